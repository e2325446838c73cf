#pragma once

// Includes <windows.h> on Windows. Winsock 2 must come first: otherwise <windows.h> declares Winsock 1.
// NOMINMAX keeps it from defining min and max as macros.

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <winsock2.h>

#include <ws2tcpip.h>

#include <windows.h>
#endif
