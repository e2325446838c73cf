#pragma once

// <windows.h> on Windows, nothing elsewhere. Winsock 2 comes first: otherwise <windows.h> declares the
// Winsock of 1993. It also defines min and max as macros unless it is told not to.

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <winsock2.h>

#include <ws2tcpip.h>

#include <windows.h>
#endif
