/* Counts the process's allocations, by functions that stand before libc's own of the same names and hand on to those.
 *
 * While nothing is counted an allocation costs one more load, so what is timed is not disturbed. */
#include "allocation_counter.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

static atomic_bool is_counting;
static atomic_uint_fast64_t count;

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#if defined(__GLIBC__) && !defined(HAS_SANITIZER)

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t number, size_t size);
extern void *__libc_realloc (void *memory, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);

static inline void note (void) {
    if (atomic_load_explicit (&is_counting, memory_order_relaxed)) {
        atomic_fetch_add_explicit (&count, 1, memory_order_relaxed);
    }
}

void *malloc (size_t size) {
    note ();
    return __libc_malloc (size);
}

void *calloc (size_t number, size_t size) {
    note ();
    return __libc_calloc (number, size);
}

void *realloc (void *memory, size_t size) {
    note ();
    return __libc_realloc (memory, size);
}

void *aligned_alloc (size_t alignment, size_t size) {
    note ();
    return __libc_memalign (alignment, size);
}

int posix_memalign (void **memory, size_t alignment, size_t size) {
    note ();
    void *made = __libc_memalign (alignment, size);
    if (made == NULL) return 12; /* ENOMEM */
    *memory = made;
    return 0;
}

bool bare_allocations_are_countable (void) { return true; }

#else

bool bare_allocations_are_countable (void) { return false; }

#endif

void bare_allocations_begin (void) {
    atomic_store (&count, 0);
    atomic_store (&is_counting, true);
}

uint64_t bare_allocations_end (void) {
    atomic_store (&is_counting, false);
    return atomic_load (&count);
}
