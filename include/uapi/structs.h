/* The structures that system calls exchange, for prototypes; each is defined in its own uapi header. */
#pragma once
#include <uapi/resource.h>
#include <uapi/signal.h>
#include <uapi/stat.h>
#include <uapi/time.h>
#include <mm/iov.h>
