#pragma once

// <windows.h>, in the one order that works: Winsock 2 first, or <windows.h> declares the Winsock of 1993
// beside it, and without its macros min and max.

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <winsock2.h>

#include <ws2tcpip.h>

#include <windows.h>
#endif
