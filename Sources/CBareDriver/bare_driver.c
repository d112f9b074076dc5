#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bare_internal.h"
#include "process_usage.h"

static void start_driver (void) { mongoc_init (); }

bare_pool *bare_pool_new (const char *text, uint32_t connections, bare_failure *failure) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once (&once, start_driver);
    bson_error_t error;
    mongoc_uri_t *uri = mongoc_uri_new_with_error (text, &error);
    if (uri == NULL) {
        fail (failure, "URI", error.message);
        return NULL;
    }
    if (!mongoc_uri_has_option (uri, MONGOC_URI_W)) {
        mongoc_write_concern_t *concern = mongoc_write_concern_copy (mongoc_uri_get_write_concern (uri));
        mongoc_write_concern_set_w (concern, MONGOC_WRITE_CONCERN_W_MAJORITY);
        if (!mongoc_write_concern_journal_is_set (concern)) mongoc_write_concern_set_journal (concern, true);
        mongoc_uri_set_write_concern (uri, concern);
        mongoc_write_concern_destroy (concern);
    }
    mongoc_client_pool_t *made = mongoc_client_pool_new (uri);
    mongoc_uri_destroy (uri);
    if (made == NULL) {
        fail (failure, "pool", "libmongoc refuses the URI");
        return NULL;
    }
    mongoc_client_pool_set_error_api (made, MONGOC_ERROR_API_VERSION_2);
    mongoc_client_pool_max_size (made, connections);
    bare_pool *pool = malloc (sizeof *pool);
    pool->pool = made;
    return pool;
}

void bare_pool_destroy (bare_pool *pool) {
    mongoc_client_pool_destroy (pool->pool);
    free (pool);
}

/* MARK: Reading */

static atomic_uint_fast64_t sink;

/* Touches every field, those of the documents inside too, and its first bytes. */
static uint64_t visit (bson_iter_t *iter) {
    uint64_t sum = 0;
    while (bson_iter_next (iter)) {
        bson_iter_t child;
        sum += (uint64_t) (unsigned char) bson_iter_key (iter)[0];
        switch (bson_iter_type (iter)) {
        case BSON_TYPE_DOCUMENT:
        case BSON_TYPE_ARRAY:
            if (bson_iter_recurse (iter, &child)) sum += visit (&child);
            break;
        case BSON_TYPE_UTF8: {
            uint32_t length;
            const char *text = bson_iter_utf8 (iter, &length);
            sum += length + (unsigned char) text[0];
            break;
        }
        case BSON_TYPE_BINARY: {
            bson_subtype_t subtype;
            uint32_t length;
            const uint8_t *data;
            bson_iter_binary (iter, &subtype, &length, &data);
            sum += length + (length > 0 ? data[0] : 0);
            break;
        }
        case BSON_TYPE_INT32: sum += (uint64_t) bson_iter_int32 (iter); break;
        case BSON_TYPE_INT64: sum += (uint64_t) bson_iter_int64 (iter); break;
        case BSON_TYPE_DATE_TIME: sum += (uint64_t) bson_iter_date_time (iter); break;
        case BSON_TYPE_DOUBLE: sum += (uint64_t) bson_iter_double (iter); break;
        case BSON_TYPE_BOOL: sum += bson_iter_bool (iter); break;
        default: break;
        }
    }
    return sum;
}

static bool find (
    mongoc_collection_t *collection, mongoc_client_session_t *session, bare_bytes filter, bare_bytes options, uint64_t *count,
    bare_failure *failure) {
    bson_t filter_document, options_document;
    if (!borrow (&filter_document, filter) || !borrow (&options_document, options)) {
        return fail (failure, "find", "filter or options are not BSON");
    }
    bson_t with_session = BSON_INITIALIZER;
    bson_error_t error;
    bool done = true;
    if (session != NULL) {
        bson_concat (&with_session, &options_document);
        done = mongoc_client_session_append (session, &with_session, &error);
    }
    mongoc_read_prefs_t *primary = mongoc_read_prefs_new (MONGOC_READ_PRIMARY);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts (
        collection, &filter_document, session != NULL ? &with_session : &options_document, primary);
    const bson_t *document;
    uint64_t sum = 0;
    while (done && mongoc_cursor_next (cursor, &document)) {
        bson_iter_t iter;
        if (bson_iter_init (&iter, document)) sum += visit (&iter);
        *count += 1;
    }
    atomic_fetch_add_explicit (&sink, sum, memory_order_relaxed);
    if (!done || mongoc_cursor_error (cursor, &error)) done = fail (failure, "find", error.message);
    mongoc_cursor_destroy (cursor);
    mongoc_read_prefs_destroy (primary);
    bson_destroy (&with_session);
    return done;
}

bool bare_scan (
    bare_pool *pool, const char *database, const char *collection, bare_bytes filter, bare_bytes options, uint64_t *count,
    bare_failure *failure) {
    mongoc_client_t *client = mongoc_client_pool_pop (pool->pool);
    mongoc_collection_t *handle = mongoc_client_get_collection (client, database, collection);
    *count = 0;
    bool done = find (handle, NULL, filter, options, count, failure);
    mongoc_collection_destroy (handle);
    mongoc_client_pool_push (pool->pool, client);
    return done;
}

bool bare_command (bare_pool *pool, const char *database, bare_bytes command, bare_failure *failure) {
    bson_t document;
    bson_error_t error;
    if (!borrow (&document, command)) return fail (failure, "command", "it is not BSON");
    mongoc_client_t *client = mongoc_client_pool_pop (pool->pool);
    bool done = mongoc_client_write_command_with_opts (client, database, &document, NULL, NULL, &error);
    if (!done) fail (failure, "command", error.message);
    mongoc_client_pool_push (pool->pool, client);
    return done;
}

/* MARK: Operations of steps */

typedef struct worker {
    mongoc_client_pool_t *pool;
    const char *database;
    const bare_step *steps;
    const size_t *operation_ends;
    size_t begin;
    size_t end;
    uint64_t *times;
    bare_failure *failure;
    atomic_bool *has_failed;
    pthread_t thread;
    /* Its connection. */
    mongoc_client_t *client;
    mongoc_client_session_t *session;
    mongoc_transaction_opt_t *transaction;
    bson_t without_validation;
    struct {
        const char *name;
        mongoc_collection_t *collection;
    } collections[8];
    size_t collection_count;
} worker;

static mongoc_collection_t *collection_of (worker *worker, const char *name) {
    for (size_t index = 0; index < worker->collection_count; index++) {
        if (worker->collections[index].name == name) return worker->collections[index].collection;
    }
    if (worker->collection_count == sizeof worker->collections / sizeof *worker->collections) return NULL;
    mongoc_collection_t *made = mongoc_client_get_collection (worker->client, worker->database, name);
    worker->collections[worker->collection_count].name = name;
    worker->collections[worker->collection_count].collection = made;
    worker->collection_count += 1;
    return made;
}

/* A session's ids are appended to the options of each command; outside a transaction the options are always the same. */
static const bson_t *write_options (worker *worker, bson_t *own, bson_error_t *error) {
    if (worker->session == NULL || !mongoc_client_session_in_transaction (worker->session)) return &worker->without_validation;
    bson_concat (own, &worker->without_validation);
    return mongoc_client_session_append (worker->session, own, error) ? own : NULL;
}

static bool insert_many (mongoc_collection_t *collection, bare_bytes documents, size_t count, const bson_t *options, bson_error_t *error) {
    bson_t *documents_borrowed = bson_malloc0 (sizeof (bson_t) * count);
    const bson_t **pointers = bson_malloc0 (sizeof (bson_t *) * count);
    bool done = true;
    for (size_t index = 0; index < count && done; index++) {
        size_t length = first_length (documents);
        done = length > 0 && bson_init_static (&documents_borrowed[index], documents.data, length);
        pointers[index] = &documents_borrowed[index];
        documents.data += length;
        documents.length -= length;
    }
    done = done && mongoc_collection_insert_many (collection, pointers, count, options, NULL, error);
    bson_free ((void *) pointers);
    bson_free (documents_borrowed);
    return done;
}

static bool run_step (worker *worker, const bare_step *step) {
    bson_error_t error = {0};
    bson_t own = BSON_INITIALIZER, first, second, reply;
    bool done = false;
    uint64_t count = 0;
    mongoc_collection_t *collection = step->collection != NULL ? collection_of (worker, step->collection) : NULL;
    const bson_t *options;
    switch (step->kind) {
    case bare_step_find: done = find (collection, NULL, step->first, step->second, &count, worker->failure); break;
    case bare_step_insert_one:
        options = write_options (worker, &own, &error);
        done = options != NULL && borrow (&first, step->first) &&
               mongoc_collection_insert_one (collection, &first, options, NULL, &error);
        if (!done) fail (worker->failure, "insert", error.message);
        break;
    case bare_step_insert_many:
        options = write_options (worker, &own, &error);
        done = options != NULL && insert_many (collection, step->first, step->count, options, &error);
        if (!done) fail (worker->failure, "insert", error.message);
        break;
    case bare_step_replace_one:
    case bare_step_update_one:
        options = write_options (worker, &own, &error);
        done = options != NULL && borrow (&first, step->first) && borrow (&second, step->second);
        if (done) {
            bson_iter_t iter;
            done = step->kind == bare_step_replace_one
                       ? mongoc_collection_replace_one (collection, &first, &second, options, &reply, &error)
                       : mongoc_collection_update_one (collection, &first, &second, options, &reply, &error);
            bool has_matched =
                done && bson_iter_init_find (&iter, &reply, "matchedCount") && bson_iter_as_int64 (&iter) > 0;
            bson_destroy (&reply);
            if (done && !has_matched) {
                done = false;
                snprintf (error.message, sizeof error.message, "nothing matched");
            }
        }
        if (!done) fail (worker->failure, step->kind == bare_step_replace_one ? "replace" : "update", error.message);
        break;
    case bare_step_begin:
        if (worker->session == NULL) {
            mongoc_session_opt_t *session_options = mongoc_session_opts_new ();
            mongoc_session_opts_set_causal_consistency (session_options, false);
            worker->session = mongoc_client_start_session (worker->client, session_options, &error);
            mongoc_session_opts_destroy (session_options);
        }
        done = worker->session != NULL &&
               mongoc_client_session_start_transaction (worker->session, worker->transaction, &error);
        if (!done) fail (worker->failure, "begin", error.message);
        break;
    case bare_step_commit:
        done = mongoc_client_session_commit_transaction (worker->session, &reply, &error);
        bson_destroy (&reply);
        if (!done) fail (worker->failure, "commit", error.message);
        break;
    }
    bson_destroy (&own);
    return done;
}

static void open_worker (worker *worker) {
    worker->client = mongoc_client_pool_pop (worker->pool);
    bson_init (&worker->without_validation);
    BSON_APPEND_BOOL (&worker->without_validation, "validate", false);
    mongoc_read_concern_t *concern = mongoc_read_concern_new ();
    mongoc_read_concern_set_level (concern, MONGOC_READ_CONCERN_LEVEL_SNAPSHOT);
    mongoc_read_prefs_t *primary = mongoc_read_prefs_new (MONGOC_READ_PRIMARY);
    worker->transaction = mongoc_transaction_opts_new ();
    mongoc_transaction_opts_set_read_concern (worker->transaction, concern);
    mongoc_transaction_opts_set_read_prefs (worker->transaction, primary);
    mongoc_read_prefs_destroy (primary);
    mongoc_read_concern_destroy (concern);
}

static void close_worker (worker *worker) {
    for (size_t index = 0; index < worker->collection_count; index++) {
        mongoc_collection_destroy (worker->collections[index].collection);
    }
    if (worker->session != NULL) mongoc_client_session_destroy (worker->session);
    mongoc_transaction_opts_destroy (worker->transaction);
    bson_destroy (&worker->without_validation);
    mongoc_client_pool_push (worker->pool, worker->client);
}

static void *run_worker (void *argument) {
    worker *worker = argument;
    open_worker (worker);
    for (size_t operation = worker->begin; operation < worker->end; operation++) {
        size_t step = operation == 0 ? 0 : worker->operation_ends[operation - 1];
        uint64_t start = bare_now ();
        bool done = !atomic_load_explicit (worker->has_failed, memory_order_relaxed);
        for (; step < worker->operation_ends[operation] && done; step++) done = run_step (worker, &worker->steps[step]);
        worker->times[operation] = bare_now () - start;
        if (!done) {
            atomic_store (worker->has_failed, true);
            break;
        }
    }
    close_worker (worker);
    return NULL;
}

bool bare_run (
    bare_pool *pool, const char *database, const bare_step *steps, const size_t *operation_ends, const size_t *thread_ends,
    size_t thread_count, uint64_t *times, bare_failure *failure) {
    worker *workers = calloc (thread_count, sizeof *workers);
    bare_failure *failures = calloc (thread_count, sizeof *failures);
    atomic_bool has_failed = false;
    for (size_t index = 0; index < thread_count; index++) {
        worker *worker = &workers[index];
        worker->pool = pool->pool;
        worker->database = database;
        worker->steps = steps;
        worker->operation_ends = operation_ends;
        worker->begin = index == 0 ? 0 : thread_ends[index - 1];
        worker->end = thread_ends[index];
        worker->times = times;
        worker->failure = &failures[index];
        worker->has_failed = &has_failed;
    }
    if (thread_count == 1) {
        run_worker (&workers[0]);
    } else {
        size_t started = 0;
        for (; started < thread_count; started++) {
            if (pthread_create (&workers[started].thread, NULL, run_worker, &workers[started]) != 0) {
                fail (&failures[started], "threads", "another one cannot be made");
                atomic_store (&has_failed, true);
                break;
            }
        }
        for (size_t index = 0; index < started; index++) pthread_join (workers[index].thread, NULL);
    }
    for (size_t index = 0; index < thread_count; index++) {
        if (failures[index].message[0] != 0) *failure = failures[index];
    }
    free (failures);
    free (workers);
    return !atomic_load (&has_failed);
}
