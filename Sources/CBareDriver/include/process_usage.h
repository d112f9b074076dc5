#ifndef PROCESS_USAGE_H
#define PROCESS_USAGE_H

#include <stdbool.h>
#include <stdint.h>

/* User and system time of this process so far, all threads, in nanoseconds. */
uint64_t bare_process_cpu (void);

/* A clock that only goes forward, in nanoseconds. */
uint64_t bare_now (void);

/* Lets the peak of the resident size begin anew at what is resident now. False where the system cannot do that: then the peak is the process's. */
bool bare_reset_peak (void);

/* The peak of the resident size, in bytes; 0 where it is not known. */
uint64_t bare_peak (void);

#endif
