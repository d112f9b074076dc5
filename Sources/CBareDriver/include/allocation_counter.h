#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

/* Whether allocations can be counted in this build: with glibc, and without a sanitizer, which has a malloc of its own. */
bool bare_allocations_are_countable (void);

/* Sets the count to 0 and counts the allocations of all threads from now on. */
void bare_allocations_begin (void);

/* Stops counting; how many there were. */
uint64_t bare_allocations_end (void);

#endif
