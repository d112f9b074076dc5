#include "process_usage.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

uint64_t bare_process_cpu (void) {
    struct rusage usage;
    if (getrusage (RUSAGE_SELF, &usage) != 0) return 0;
    return ((uint64_t) usage.ru_utime.tv_sec + (uint64_t) usage.ru_stime.tv_sec) * 1000000000u +
           ((uint64_t) usage.ru_utime.tv_usec + (uint64_t) usage.ru_stime.tv_usec) * 1000u;
}

uint64_t bare_now (void) {
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

bool bare_reset_peak (void) {
#ifdef __linux__
#ifdef __GLIBC__
    /* Memory that was freed earlier must not count towards the peak. */
    malloc_trim (0);
#endif
    /* proc(5), /proc/pid/clear_refs: 5 resets the peak resident set size. */
    FILE *file = fopen ("/proc/self/clear_refs", "w");
    if (file == NULL) return false;
    bool done = fputs ("5", file) >= 0;
    return fclose (file) == 0 && done;
#else
    return false;
#endif
}

uint64_t bare_peak (void) {
#ifdef __linux__
    char line[256];
    unsigned long long kilobytes = 0;
    FILE *file = fopen ("/proc/self/status", "r");
    if (file == NULL) return 0;
    while (fgets (line, sizeof line, file) != NULL) {
        if (sscanf (line, "VmHWM: %llu kB", &kilobytes) == 1) break;
    }
    fclose (file);
    return (uint64_t) kilobytes * 1024;
#else
    struct rusage usage;
    return getrusage (RUSAGE_SELF, &usage) == 0 ? (uint64_t) usage.ru_maxrss : 0;
#endif
}
