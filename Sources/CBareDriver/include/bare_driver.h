#ifndef BARE_DRIVER_H
#define BARE_DRIVER_H

/* The work that Daybook is measured beside: libmongoc's calls with nothing around them. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bare_pool bare_pool;

/* One BSON document, or several, one after the other. */
typedef struct bare_bytes {
    const uint8_t *data;
    size_t length;
} bare_bytes;

/* Why a call failed. */
typedef struct bare_failure {
    char message[512];
} bare_failure;

/* Writes are acknowledged by a majority and its journal unless the URI says otherwise, as Daybook's are. NULL: `failure` says why. */
bare_pool *bare_pool_new (const char *uri, uint32_t connections, bare_failure *failure);
void bare_pool_destroy (bare_pool *pool);

typedef enum bare_step_kind {
    /* `first` is the filter, `second` the options; every field of every document found is visited. */
    bare_step_find = 0,
    /* `first` is the document. */
    bare_step_insert_one = 1,
    /* `first` has `count` documents. */
    bare_step_insert_many = 2,
    /* `first` is the selector, `second` the replacement. It fails when nothing matched. */
    bare_step_replace_one = 3,
    bare_step_begin = 4,
    bare_step_commit = 5,
    /* `first` is the selector, `second` the update by operators. It fails when nothing matched. */
    bare_step_update_one = 6
} bare_step_kind;

/* One call into libmongoc. What it points to is borrowed. */
typedef struct bare_step {
    bare_step_kind kind;
    const char *collection;
    bare_bytes first;
    bare_bytes second;
    size_t count;
} bare_step;

/* Runs `operation_count` operations, each `operation_ends[i]` marking the end of its steps, on `thread_count` threads with a connection each:
 * thread t does the operations up to `thread_ends[t]`. `times` has room for the nanoseconds of each operation. */
bool bare_run (
    bare_pool *pool, const char *database, const bare_step *steps, const size_t *operation_ends, const size_t *thread_ends,
    size_t thread_count, uint64_t *times, bare_failure *failure);

/* Inserts `documents` by unordered bulk writes of `per_command`, on `thread_count` threads, while one more thread replaces the documents that
 * `selectors` match by `replacements`, also in bulk, upserting; without selectors there is none. `times` has room for the nanoseconds that each
 * document's bulk write took; it may be NULL. */
bool bare_bulk (
    bare_pool *pool, const char *database, const char *collection, bare_bytes documents, size_t per_command, size_t thread_count,
    const char *replaced_collection, bare_bytes selectors, bare_bytes replacements, size_t replacements_per_command, uint64_t *times,
    bare_failure *failure);

/* Visits every field of every document that a find gives. */
bool bare_scan (
    bare_pool *pool, const char *database, const char *collection, bare_bytes filter, bare_bytes options, uint64_t *count,
    bare_failure *failure);

/* Runs a command whose answer does not matter. */
bool bare_command (bare_pool *pool, const char *database, bare_bytes command, bare_failure *failure);

#endif
