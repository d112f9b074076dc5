#include <pthread.h>
#include <stdlib.h>

#include "bare_internal.h"
#include "process_usage.h"

typedef struct bulk_job {
    mongoc_client_pool_t *pool;
    const char *database;
    const char *collection;
    /* Documents, or selectors with the replacements beside them. Touched while `mutex` is held. */
    bare_bytes left;
    bare_bytes replacements;
    bool is_replacing;
    size_t per_command;
    size_t done;
    uint64_t *times;
    bare_failure failure;
    bool has_failed;
    pthread_mutex_t mutex;
} bulk_job;

static bare_bytes take (bare_bytes *left) {
    bare_bytes taken = {left->data, first_length (*left)};
    left->data += taken.length;
    left->length -= taken.length;
    return taken;
}

static bool add (bulk_job *job, mongoc_bulk_operation_t *bulk, bare_bytes first, bare_bytes second, const bson_t *options, bson_error_t *error) {
    bson_t document, replacement;
    if (!borrow (&document, first)) return false;
    if (!job->is_replacing) return mongoc_bulk_operation_insert_with_opts (bulk, &document, options, error);
    return borrow (&replacement, second) &&
           mongoc_bulk_operation_replace_one_with_opts (bulk, &document, &replacement, options, error);
}

static void *run_bulk (void *argument) {
    bulk_job *job = argument;
    mongoc_client_t *client = mongoc_client_pool_pop (job->pool);
    mongoc_collection_t *collection = mongoc_client_get_collection (client, job->database, job->collection);
    bson_t unordered = BSON_INITIALIZER, options = BSON_INITIALIZER;
    BSON_APPEND_BOOL (&unordered, "ordered", false);
    BSON_APPEND_BOOL (&options, "validate", false);
    if (job->is_replacing) BSON_APPEND_BOOL (&options, "upsert", true);
    bare_bytes *taken = malloc (sizeof (bare_bytes) * 2 * job->per_command);
    while (true) {
        size_t count = 0;
        pthread_mutex_lock (&job->mutex);
        size_t first = job->done;
        while (count < job->per_command && !job->has_failed) {
            bare_bytes document = take (&job->left);
            if (document.length == 0) break;
            taken[2 * count] = document;
            taken[2 * count + 1] = job->is_replacing ? take (&job->replacements) : (bare_bytes) {NULL, 0};
            count++;
        }
        job->done += count;
        pthread_mutex_unlock (&job->mutex);
        if (count == 0) break;
        uint64_t start = bare_now ();
        bson_error_t error = {0};
        bson_t reply;
        mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts (collection, &unordered);
        bool done = true;
        for (size_t index = 0; index < count && done; index++) {
            done = add (job, bulk, taken[2 * index], taken[2 * index + 1], &options, &error);
        }
        if (done) {
            done = mongoc_bulk_operation_execute (bulk, &reply, &error) != 0;
            bson_destroy (&reply);
            /* Of a replaced document a newer one may stand there, put by the other thread's turn: that is no failure. */
            if (!done && job->is_replacing && error.code == 11000) done = true;
        }
        mongoc_bulk_operation_destroy (bulk);
        uint64_t time = bare_now () - start;
        if (job->times != NULL) {
            for (size_t index = 0; index < count; index++) job->times[first + index] = time;
        }
        if (!done) {
            pthread_mutex_lock (&job->mutex);
            job->has_failed = true;
            fail (&job->failure, "bulk write", error.message);
            pthread_mutex_unlock (&job->mutex);
            break;
        }
    }
    free (taken);
    bson_destroy (&options);
    bson_destroy (&unordered);
    mongoc_collection_destroy (collection);
    mongoc_client_pool_push (job->pool, client);
    return NULL;
}

bool bare_bulk (
    bare_pool *pool, const char *database, const char *collection, bare_bytes documents, size_t per_command, size_t thread_count,
    const char *replaced_collection, bare_bytes selectors, bare_bytes replacements, size_t replacements_per_command, uint64_t *times,
    bare_failure *failure) {
    bulk_job inserts = {
        .pool = pool->pool,
        .database = database,
        .collection = collection,
        .left = documents,
        .per_command = per_command,
        .times = times,
        .mutex = PTHREAD_MUTEX_INITIALIZER};
    bulk_job replaces = {
        .pool = pool->pool,
        .database = database,
        .collection = replaced_collection,
        .left = selectors,
        .replacements = replacements,
        .is_replacing = true,
        .per_command = replacements_per_command,
        .mutex = PTHREAD_MUTEX_INITIALIZER};
    size_t inserters = documents.length > 0 ? thread_count : 0;
    size_t count = inserters + (selectors.length > 0 ? 1 : 0);
    pthread_t *threads = calloc (count, sizeof *threads);
    size_t started = 0;
    for (; started < count; started++) {
        void *job = started < inserters ? &inserts : &replaces;
        if (pthread_create (&threads[started], NULL, run_bulk, job) != 0) {
            inserts.has_failed = true;
            fail (&inserts.failure, "threads", "another one cannot be made");
            break;
        }
    }
    for (size_t index = 0; index < started; index++) pthread_join (threads[index], NULL);
    free (threads);
    if (inserts.has_failed) *failure = inserts.failure;
    if (replaces.has_failed) *failure = replaces.failure;
    return !inserts.has_failed && !replaces.has_failed;
}
