#pragma once

/// The only place that states the version: CMake, Meson and the protocol's headers read it from here.
#define INNGEST_VERSION_MAJOR 0
#define INNGEST_VERSION_MINOR 1
#define INNGEST_VERSION_PATCH 0

/// "major.minor.patch", as sent in `x-inngest-sdk: cpp:v<version>`.
#define INNGEST_VERSION "0.1.0"
