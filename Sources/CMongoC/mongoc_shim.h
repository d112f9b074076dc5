#ifndef DAYBOOK_MONGOC_SHIM_H
#define DAYBOOK_MONGOC_SHIM_H

/* What DaybookMongo needs of libmongoc. Documents come in as bytes (wrapped by bson_init_static, never copied), and every reply and error comes
 * back in a daybook_result, which one connection owns and uses again for each call: libmongoc initialises a reply that is handed to it, so
 * it is destroyed before each call and once more at the end, and no path can leak one. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

typedef struct daybook_pool daybook_pool;
typedef struct daybook_client daybook_client;
typedef struct daybook_collection daybook_collection;
typedef struct daybook_session daybook_session;
typedef struct daybook_cursor daybook_cursor;
typedef struct daybook_bulk daybook_bulk;
typedef struct daybook_change_stream daybook_change_stream;
typedef struct daybook_uri daybook_uri;
typedef struct daybook_result daybook_result;
typedef struct daybook_transaction_options daybook_transaction_options;

/* Bytes of one document; data == NULL stands for "no document". Borrowed for the call. */
typedef struct daybook_bytes {
    const uint8_t *data;
    size_t length;
} daybook_bytes;

struct daybook_result_layout {
    bson_t reply; /* first, so that the allocation's alignment is the reply's */
    bson_error_t error;
};

static inline struct daybook_result_layout *daybook_result_layout_of (daybook_result *result) {
    return (struct daybook_result_layout *) result;
}

static inline daybook_result *daybook_result_new (void) {
    void *memory = NULL;
    if (posix_memalign (&memory, _Alignof (struct daybook_result_layout), sizeof (struct daybook_result_layout)) != 0) {
        abort (); /* as libbson does when there is no memory */
    }
    struct daybook_result_layout *layout = (struct daybook_result_layout *) memory;
    memset (&layout->error, 0, sizeof layout->error);
    bson_init (&layout->reply);
    return (daybook_result *) memory;
}

static inline void daybook_result_destroy (daybook_result *result) {
    bson_destroy (&daybook_result_layout_of (result)->reply);
    free (result);
}

/* Leaves room for libmongoc to initialise the reply. Every shim that calls into libmongoc starts with it. */
static inline bson_t *daybook_result_begin (daybook_result *result) {
    struct daybook_result_layout *layout = daybook_result_layout_of (result);
    bson_destroy (&layout->reply);
    bson_init (&layout->reply);
    memset (&layout->error, 0, sizeof layout->error);
    return &layout->reply;
}

static inline uint32_t daybook_result_domain (daybook_result *result) {
    return daybook_result_layout_of (result)->error.domain;
}

static inline uint32_t daybook_result_code (daybook_result *result) {
    return daybook_result_layout_of (result)->error.code;
}

static inline const char *daybook_result_message (daybook_result *result) {
    return daybook_result_layout_of (result)->error.message;
}

static inline daybook_bytes daybook_result_reply (daybook_result *result) {
    bson_t *reply = &daybook_result_layout_of (result)->reply;
    daybook_bytes bytes = {bson_get_data (reply), reply->len};
    return bytes;
}

static inline bool daybook_result_has_label (daybook_result *result, const char *label) {
    return mongoc_error_has_label (&daybook_result_layout_of (result)->reply, label);
}

/* MARK: URI and pool */

static inline daybook_uri *daybook_uri_new (const char *text, daybook_result *result) {
    daybook_result_begin (result);
    return (daybook_uri *) mongoc_uri_new_with_error (text, &daybook_result_layout_of (result)->error);
}

static inline daybook_uri *daybook_uri_copy (daybook_uri *uri) {
    return (daybook_uri *) mongoc_uri_copy ((mongoc_uri_t *) uri);
}

static inline void daybook_uri_destroy (daybook_uri *uri) {
    mongoc_uri_destroy ((mongoc_uri_t *) uri);
}

static inline const char *daybook_uri_username (daybook_uri *uri) {
    return mongoc_uri_get_username ((mongoc_uri_t *) uri);
}

static inline const char *daybook_uri_password (daybook_uri *uri) {
    return mongoc_uri_get_password ((mongoc_uri_t *) uri);
}

static inline const char *daybook_uri_database (daybook_uri *uri) {
    return mongoc_uri_get_database ((mongoc_uri_t *) uri);
}

static inline bool daybook_uri_sets (daybook_uri *uri, const char *option) {
    return mongoc_uri_has_option ((mongoc_uri_t *) uri, option);
}

/* Whether the URI says how many members must have a write; a wtimeoutMS or a journal alone does not. */
static inline bool daybook_uri_sets_write_concern (daybook_uri *uri) {
    const mongoc_write_concern_t *write_concern = mongoc_uri_get_write_concern ((mongoc_uri_t *) uri);
    return mongoc_write_concern_get_w (write_concern) != MONGOC_WRITE_CONCERN_W_DEFAULT;
}

/* How many members must have a write: at least 1, or MONGOC_WRITE_CONCERN_W_MAJORITY, or MONGOC_WRITE_CONCERN_W_TAG. */
static inline int32_t daybook_uri_write_members (daybook_uri *uri) {
    return mongoc_write_concern_get_w (mongoc_uri_get_write_concern ((mongoc_uri_t *) uri));
}

/* The name of a write concern of the replica set's own; NULL where it is none. */
static inline const char *daybook_uri_write_tag (daybook_uri *uri) {
    return mongoc_write_concern_get_wtag (mongoc_uri_get_write_concern ((mongoc_uri_t *) uri));
}

/* Whether a write waits for the journal on disk: 1 or 0, or -1 where the server decides. */
static inline int daybook_uri_write_journal (daybook_uri *uri) {
    const mongoc_write_concern_t *write_concern = mongoc_uri_get_write_concern ((mongoc_uri_t *) uri);
    return mongoc_write_concern_journal_is_set (write_concern) ? mongoc_write_concern_get_journal (write_concern) : -1;
}

/* As a URI spells it: primary, secondaryPreferred ... */
static inline const char *daybook_uri_read_preference (daybook_uri *uri) {
    switch (mongoc_read_prefs_get_mode (mongoc_uri_get_read_prefs_t ((mongoc_uri_t *) uri))) {
    case MONGOC_READ_PRIMARY_PREFERRED: return "primaryPreferred";
    case MONGOC_READ_SECONDARY: return "secondary";
    case MONGOC_READ_SECONDARY_PREFERRED: return "secondaryPreferred";
    case MONGOC_READ_NEAREST: return "nearest";
    default: return "primary";
    }
}

static inline bool daybook_uri_is_unacknowledged (daybook_uri *uri) {
    return !mongoc_write_concern_is_acknowledged (mongoc_uri_get_write_concern ((mongoc_uri_t *) uri));
}

static inline int32_t daybook_uri_int (daybook_uri *uri, const char *option, int32_t fallback) {
    return mongoc_uri_get_option_as_int32 ((mongoc_uri_t *) uri, option, fallback);
}

static inline bool daybook_uri_set_int (daybook_uri *uri, const char *option, int32_t value) {
    return mongoc_uri_set_option_as_int32 ((mongoc_uri_t *) uri, option, value);
}

static inline bool daybook_uri_set_app_name (daybook_uri *uri, const char *name) {
    return mongoc_uri_set_appname ((mongoc_uri_t *) uri, name);
}

/* Every write then waits for a majority, and for its journal unless the URI says otherwise. */
static inline void daybook_uri_set_majority_writes (daybook_uri *uri) {
    mongoc_write_concern_t *write_concern = mongoc_write_concern_copy (mongoc_uri_get_write_concern ((mongoc_uri_t *) uri));
    mongoc_write_concern_set_w (write_concern, MONGOC_WRITE_CONCERN_W_MAJORITY);
    if (!mongoc_write_concern_journal_is_set (write_concern)) {
        mongoc_write_concern_set_journal (write_concern, true);
    }
    mongoc_uri_set_write_concern ((mongoc_uri_t *) uri, write_concern);
    mongoc_write_concern_destroy (write_concern);
}

/* Errors carry the server's code and labels (error API version 2), which must be set before the first pop. NULL: result says why. */
static inline daybook_pool *daybook_pool_new (daybook_uri *uri, uint32_t maximum_size, daybook_result *result) {
    daybook_result_begin (result);
    mongoc_client_pool_t *pool = mongoc_client_pool_new_with_error ((mongoc_uri_t *) uri, &daybook_result_layout_of (result)->error);
    if (pool != NULL) {
        mongoc_client_pool_set_error_api (pool, MONGOC_ERROR_API_VERSION_2);
        mongoc_client_pool_max_size (pool, maximum_size);
    }
    return (daybook_pool *) pool;
}

static inline void daybook_pool_destroy (daybook_pool *pool) {
    mongoc_client_pool_destroy ((mongoc_client_pool_t *) pool);
}

static inline daybook_client *daybook_pool_pop (daybook_pool *pool) {
    return (daybook_client *) mongoc_client_pool_pop ((mongoc_client_pool_t *) pool);
}

static inline void daybook_pool_push (daybook_pool *pool, daybook_client *client) {
    mongoc_client_pool_push ((mongoc_client_pool_t *) pool, (mongoc_client_t *) client);
}

/* MARK: Options */

/* A document on the stack over borrowed bytes: the caller's own, or {} when there are none. */
static inline void daybook_bson_borrow (bson_t *document, daybook_bytes bytes) {
    if (bytes.data == NULL || !bson_init_static (document, bytes.data, bytes.length)) {
        bson_init (document);
    }
}

/* The options of one call: the caller's, and the session's id where there is one. Destroy it after the call. */
static inline bool daybook_options_init (bson_t *options, daybook_bytes bytes, daybook_session *session, daybook_result *result) {
    bson_init (options);
    if (bytes.data != NULL) {
        bson_t given;
        daybook_bson_borrow (&given, bytes);
        bson_concat (options, &given);
        bson_destroy (&given);
    }
    if (session == NULL) {
        return true;
    }
    return mongoc_client_session_append ((mongoc_client_session_t *) session, options, &daybook_result_layout_of (result)->error);
}

/* MARK: Commands */

static inline bool daybook_command (
    daybook_client *client, const char *database, daybook_bytes command, daybook_bytes options, bool is_write, daybook_session *session,
    daybook_result *result) {
    bson_t command_document, opts;
    bson_t *reply = daybook_result_begin (result);
    bool done = daybook_options_init (&opts, options, session, result);
    if (done) {
        /* Not the "read command" of libmongoc, which would add the URI's read preference and read concern, to hello too. */
        mongoc_read_prefs_t *primary = mongoc_read_prefs_new (MONGOC_READ_PRIMARY);
        daybook_bson_borrow (&command_document, command);
        bson_destroy (reply);
        bson_error_t *error = &daybook_result_layout_of (result)->error;
        done = is_write ? mongoc_client_write_command_with_opts (
                              (mongoc_client_t *) client, database, &command_document, &opts, reply, error)
                        : mongoc_client_command_with_opts (
                              (mongoc_client_t *) client, database, &command_document, primary, &opts, reply, error);
        bson_destroy (&command_document);
        mongoc_read_prefs_destroy (primary);
    }
    bson_destroy (&opts);
    return done;
}

static inline daybook_collection *daybook_collection_new (daybook_client *client, const char *database, const char *name) {
    return (daybook_collection *) mongoc_client_get_collection ((mongoc_client_t *) client, database, name);
}

static inline void daybook_collection_destroy (daybook_collection *collection) {
    mongoc_collection_destroy ((mongoc_collection_t *) collection);
}

/* MARK: Writes */

/* `documents` is `count` documents, one after another; each states its own length. */
static inline bool daybook_insert_many (
    daybook_collection *collection, daybook_bytes documents, size_t count, daybook_bytes options, daybook_session *session,
    daybook_result *result) {
    bson_t opts;
    bson_t *reply = daybook_result_begin (result);
    bson_error_t *error = &daybook_result_layout_of (result)->error;
    void *memory = NULL;
    const bson_t **pointers = (const bson_t **) bson_malloc (count * sizeof (bson_t *));
    if (posix_memalign (&memory, _Alignof (bson_t), count * sizeof (bson_t)) != 0) {
        abort ();
    }
    bson_t *headers = (bson_t *) memory;
    size_t offset = 0;
    bool done = daybook_options_init (&opts, options, session, result);
    for (size_t i = 0; done && i < count; i++) {
        uint32_t length = 0;
        if (documents.length - offset >= sizeof length) {
            memcpy (&length, documents.data + offset, sizeof length);
            length = BSON_UINT32_FROM_LE (length);
        }
        if (length < 5 || length > documents.length - offset || !bson_init_static (&headers[i], documents.data + offset, length)) {
            bson_set_error (error, MONGOC_ERROR_BSON, MONGOC_ERROR_BSON_INVALID, "document %zu of the insert is not BSON", i);
            done = false;
        }
        pointers[i] = &headers[i];
        offset += length;
    }
    if (done) {
        bson_destroy (reply);
        done = mongoc_collection_insert_many ((mongoc_collection_t *) collection, pointers, count, &opts, reply, error);
    }
    bson_destroy (&opts);
    bson_free ((void *) pointers);
    free (memory);
    return done;
}

typedef enum daybook_write {
    daybook_write_update_one = 0,
    daybook_write_update_many = 1,
    daybook_write_replace_one = 2,
    daybook_write_delete_one = 3,
    daybook_write_delete_many = 4
} daybook_write;

/* `change` is the update or the replacement; a delete has none. */
static inline bool daybook_write_with_selector (
    daybook_collection *collection, daybook_write kind, daybook_bytes selector, daybook_bytes change, daybook_bytes options,
    daybook_session *session, daybook_result *result) {
    bson_t opts, selector_document, change_document;
    bson_t *reply = daybook_result_begin (result);
    bson_error_t *error = &daybook_result_layout_of (result)->error;
    mongoc_collection_t *target = (mongoc_collection_t *) collection;
    bool done = daybook_options_init (&opts, options, session, result);
    if (done) {
        daybook_bson_borrow (&selector_document, selector);
        daybook_bson_borrow (&change_document, change);
        bson_destroy (reply);
        switch (kind) {
        case daybook_write_update_one:
            done = mongoc_collection_update_one (target, &selector_document, &change_document, &opts, reply, error);
            break;
        case daybook_write_update_many:
            done = mongoc_collection_update_many (target, &selector_document, &change_document, &opts, reply, error);
            break;
        case daybook_write_replace_one:
            done = mongoc_collection_replace_one (target, &selector_document, &change_document, &opts, reply, error);
            break;
        case daybook_write_delete_one:
            done = mongoc_collection_delete_one (target, &selector_document, &opts, reply, error);
            break;
        case daybook_write_delete_many:
            done = mongoc_collection_delete_many (target, &selector_document, &opts, reply, error);
            break;
        }
        bson_destroy (&selector_document);
        bson_destroy (&change_document);
    }
    bson_destroy (&opts);
    return done;
}

/* MARK: Bulk writes */

/* Operations are copied into it as they are added; `options` as for a write. */
static inline daybook_bulk *daybook_bulk_new (
    daybook_collection *collection, daybook_bytes options, daybook_session *session, daybook_result *result) {
    bson_t opts;
    daybook_result_begin (result);
    mongoc_bulk_operation_t *bulk = NULL;
    if (daybook_options_init (&opts, options, session, result)) {
        bulk = mongoc_collection_create_bulk_operation_with_opts ((mongoc_collection_t *) collection, &opts);
    }
    bson_destroy (&opts);
    return (daybook_bulk *) bulk;
}

static inline void daybook_bulk_destroy (daybook_bulk *bulk) {
    mongoc_bulk_operation_destroy ((mongoc_bulk_operation_t *) bulk);
}

static inline bool daybook_bulk_insert (daybook_bulk *bulk, daybook_bytes document, daybook_bytes options, daybook_result *result) {
    bson_t inserted, opts;
    daybook_result_begin (result);
    daybook_bson_borrow (&inserted, document);
    daybook_bson_borrow (&opts, options);
    bool done = mongoc_bulk_operation_insert_with_opts (
        (mongoc_bulk_operation_t *) bulk, &inserted, &opts, &daybook_result_layout_of (result)->error);
    bson_destroy (&inserted);
    bson_destroy (&opts);
    return done;
}

/* `change` is the update or the replacement; a delete has none. */
static inline bool daybook_bulk_change (
    daybook_bulk *bulk, daybook_write kind, daybook_bytes selector, daybook_bytes change, daybook_bytes options,
    daybook_result *result) {
    bson_t selector_document, change_document, opts;
    daybook_result_begin (result);
    bson_error_t *error = &daybook_result_layout_of (result)->error;
    mongoc_bulk_operation_t *target = (mongoc_bulk_operation_t *) bulk;
    bool done = false;
    daybook_bson_borrow (&selector_document, selector);
    daybook_bson_borrow (&change_document, change);
    daybook_bson_borrow (&opts, options);
    switch (kind) {
    case daybook_write_update_one:
        done = mongoc_bulk_operation_update_one_with_opts (target, &selector_document, &change_document, &opts, error);
        break;
    case daybook_write_update_many:
        done = mongoc_bulk_operation_update_many_with_opts (target, &selector_document, &change_document, &opts, error);
        break;
    case daybook_write_replace_one:
        done = mongoc_bulk_operation_replace_one_with_opts (target, &selector_document, &change_document, &opts, error);
        break;
    case daybook_write_delete_one:
        done = mongoc_bulk_operation_remove_one_with_opts (target, &selector_document, &opts, error);
        break;
    case daybook_write_delete_many:
        done = mongoc_bulk_operation_remove_many_with_opts (target, &selector_document, &opts, error);
        break;
    }
    bson_destroy (&selector_document);
    bson_destroy (&change_document);
    bson_destroy (&opts);
    return done;
}

static inline bool daybook_bulk_execute (daybook_bulk *bulk, daybook_result *result) {
    bson_t *reply = daybook_result_begin (result);
    bson_destroy (reply);
    return mongoc_bulk_operation_execute ((mongoc_bulk_operation_t *) bulk, reply, &daybook_result_layout_of (result)->error) != 0;
}

/* MARK: Cursors */

/* Never fails at once: an error shows at the first `daybook_cursor_next`. `on_primary` overrides the URI's read preference. */
static inline daybook_cursor *daybook_find (
    daybook_collection *collection, daybook_bytes filter, daybook_bytes options, bool on_primary, daybook_session *session,
    daybook_result *result) {
    bson_t opts, filter_document;
    daybook_result_begin (result);
    mongoc_cursor_t *cursor = NULL;
    if (daybook_options_init (&opts, options, session, result)) {
        mongoc_read_prefs_t *primary = on_primary ? mongoc_read_prefs_new (MONGOC_READ_PRIMARY) : NULL;
        daybook_bson_borrow (&filter_document, filter);
        cursor = mongoc_collection_find_with_opts ((mongoc_collection_t *) collection, &filter_document, &opts, primary);
        bson_destroy (&filter_document);
        mongoc_read_prefs_destroy (primary);
    }
    bson_destroy (&opts);
    return (daybook_cursor *) cursor;
}

/* As daybook_find. `pipeline` is an array's bytes. */
static inline daybook_cursor *daybook_aggregate (
    daybook_collection *collection, daybook_bytes pipeline, daybook_bytes options, bool on_primary, daybook_session *session,
    daybook_result *result) {
    bson_t opts, pipeline_document;
    daybook_result_begin (result);
    mongoc_cursor_t *cursor = NULL;
    if (daybook_options_init (&opts, options, session, result)) {
        mongoc_read_prefs_t *primary = on_primary ? mongoc_read_prefs_new (MONGOC_READ_PRIMARY) : NULL;
        daybook_bson_borrow (&pipeline_document, pipeline);
        cursor = mongoc_collection_aggregate (
            (mongoc_collection_t *) collection, MONGOC_QUERY_NONE, &pipeline_document, &opts, primary);
        bson_destroy (&pipeline_document);
        mongoc_read_prefs_destroy (primary);
    }
    bson_destroy (&opts);
    return (daybook_cursor *) cursor;
}

/* The next document, borrowed until the next call on this cursor; data == NULL at the end and after an error, which `failed` tells apart. */
static inline daybook_bytes daybook_cursor_next (daybook_cursor *cursor, daybook_result *result, bool *failed) {
    const bson_t *document = NULL;
    daybook_bytes bytes = {NULL, 0};
    *failed = false;
    if (mongoc_cursor_next ((mongoc_cursor_t *) cursor, &document)) {
        bytes.data = bson_get_data (document);
        bytes.length = document->len;
        return bytes;
    }
    struct daybook_result_layout *layout = daybook_result_layout_of (result);
    daybook_result_begin (result);
    const bson_t *error_document = NULL;
    if (mongoc_cursor_error_document ((mongoc_cursor_t *) cursor, &layout->error, &error_document)) {
        *failed = true;
        if (error_document != NULL && error_document->len > 5) {
            bson_concat (&layout->reply, error_document);
        }
    }
    return bytes;
}

/* 0 when the server keeps nothing open for this cursor. */
static inline int64_t daybook_cursor_id (daybook_cursor *cursor) {
    return mongoc_cursor_get_id ((mongoc_cursor_t *) cursor);
}

static inline void daybook_cursor_destroy (daybook_cursor *cursor) {
    mongoc_cursor_destroy ((mongoc_cursor_t *) cursor);
}

/* MARK: Sessions and transactions */

/* Reads of a snapshot that a majority has, on the primary; the commit has the client's write concern. */
static inline daybook_transaction_options *daybook_transaction_options_new (int64_t maximum_commit_ms) {
    mongoc_transaction_opt_t *options = mongoc_transaction_opts_new ();
    mongoc_read_concern_t *read_concern = mongoc_read_concern_new ();
    mongoc_read_prefs_t *primary = mongoc_read_prefs_new (MONGOC_READ_PRIMARY);
    mongoc_read_concern_set_level (read_concern, MONGOC_READ_CONCERN_LEVEL_SNAPSHOT);
    mongoc_transaction_opts_set_read_concern (options, read_concern);
    mongoc_transaction_opts_set_read_prefs (options, primary);
    mongoc_transaction_opts_set_max_commit_time_ms (options, maximum_commit_ms);
    mongoc_read_concern_destroy (read_concern);
    mongoc_read_prefs_destroy (primary);
    return (daybook_transaction_options *) options;
}

static inline void daybook_transaction_options_destroy (daybook_transaction_options *options) {
    mongoc_transaction_opts_destroy ((mongoc_transaction_opt_t *) options);
}

/* Without causal consistency: every read of ours is on the primary, so the session's times would only add bytes. */
static inline daybook_session *daybook_session_new (daybook_client *client, daybook_result *result) {
    daybook_result_begin (result);
    mongoc_session_opt_t *options = mongoc_session_opts_new ();
    mongoc_session_opts_set_causal_consistency (options, false);
    mongoc_client_session_t *session =
        mongoc_client_start_session ((mongoc_client_t *) client, options, &daybook_result_layout_of (result)->error);
    mongoc_session_opts_destroy (options);
    return (daybook_session *) session;
}

static inline void daybook_session_destroy (daybook_session *session) {
    mongoc_client_session_destroy ((mongoc_client_session_t *) session);
}

static inline bool daybook_transaction_start (daybook_session *session, daybook_transaction_options *options, daybook_result *result) {
    daybook_result_begin (result);
    return mongoc_client_session_start_transaction (
        (mongoc_client_session_t *) session, (mongoc_transaction_opt_t *) options, &daybook_result_layout_of (result)->error);
}

static inline bool daybook_transaction_commit (daybook_session *session, daybook_result *result) {
    bson_t *reply = daybook_result_begin (result);
    bson_destroy (reply);
    return mongoc_client_session_commit_transaction (
        (mongoc_client_session_t *) session, reply, &daybook_result_layout_of (result)->error);
}

static inline bool daybook_transaction_abort (daybook_session *session, daybook_result *result) {
    daybook_result_begin (result);
    return mongoc_client_session_abort_transaction ((mongoc_client_session_t *) session, &daybook_result_layout_of (result)->error);
}

/* MARK: Change streams */

/* On the primary, with the read concern `majority`, whatever the URI says. libmongoc would send the URI's, and the server refuses every other one:
 * LiteParsedDocumentSourceChangeStream::supportsReadConcern in mongodb/mongo, src/mongo/db/pipeline/document_source_change_stream.h. On a secondary,
 * an empty batch would say nothing of what the primary has acknowledged. */
static inline daybook_change_stream *daybook_change_stream_new (daybook_client *client, const char *database, daybook_bytes pipeline, daybook_bytes options) {
    bson_t pipeline_document, opts;
    mongoc_database_t *source = mongoc_client_get_database ((mongoc_client_t *) client, database);
    mongoc_read_concern_t *read_concern = mongoc_read_concern_new ();
    mongoc_read_prefs_t *primary = mongoc_read_prefs_new (MONGOC_READ_PRIMARY);
    mongoc_read_concern_set_level (read_concern, MONGOC_READ_CONCERN_LEVEL_MAJORITY);
    mongoc_database_set_read_concern (source, read_concern);
    mongoc_database_set_read_prefs (source, primary);
    daybook_bson_borrow (&pipeline_document, pipeline);
    daybook_bson_borrow (&opts, options);
    /* The stream copies what it needs of the database. */
    mongoc_change_stream_t *stream = mongoc_database_watch (source, &pipeline_document, &opts);
    mongoc_read_prefs_destroy (primary);
    mongoc_read_concern_destroy (read_concern);
    mongoc_database_destroy (source);
    bson_destroy (&pipeline_document);
    bson_destroy (&opts);
    return (daybook_change_stream *) stream;
}

/* Whether the stream has failed; then `result` says why. */
static inline bool daybook_change_stream_failed (daybook_change_stream *stream, daybook_result *result) {
    struct daybook_result_layout *layout = daybook_result_layout_of (result);
    daybook_result_begin (result);
    const bson_t *error_document = NULL;
    if (!mongoc_change_stream_error_document ((mongoc_change_stream_t *) stream, &layout->error, &error_document)) {
        return false;
    }
    if (error_document != NULL && error_document->len > 5) {
        bson_concat (&layout->reply, error_document);
    }
    return true;
}

/* Waits at most maxAwaitTimeMS. The change is borrowed until the next call; data == NULL when there is none yet, or after an error. */
static inline daybook_bytes daybook_change_stream_next (daybook_change_stream *stream, daybook_result *result, bool *failed) {
    const bson_t *document = NULL;
    daybook_bytes bytes = {NULL, 0};
    *failed = false;
    if (mongoc_change_stream_next ((mongoc_change_stream_t *) stream, &document)) {
        bytes.data = bson_get_data (document);
        bytes.length = document->len;
        return bytes;
    }
    *failed = daybook_change_stream_failed (stream, result);
    return bytes;
}

/* Where to resume; borrowed until the next call. data == NULL before the server has said. */
static inline daybook_bytes daybook_change_stream_token (daybook_change_stream *stream) {
    const bson_t *token = mongoc_change_stream_get_resume_token ((mongoc_change_stream_t *) stream);
    daybook_bytes bytes = {NULL, 0};
    if (token != NULL) {
        bytes.data = bson_get_data (token);
        bytes.length = token->len;
    }
    return bytes;
}

static inline void daybook_change_stream_destroy (daybook_change_stream *stream) {
    mongoc_change_stream_destroy ((mongoc_change_stream_t *) stream);
}

/* MARK: Threads */

/* Names the calling thread as debuggers and `ps -L` show it; Linux keeps 15 bytes. */
static inline void daybook_thread_set_name (const char *name) {
#ifdef __APPLE__
    pthread_setname_np (name);
#elif defined(__linux__)
    prctl (PR_SET_NAME, name, 0, 0, 0);
#else
    (void) name;
#endif
}

/* MARK: Log */

typedef void (*daybook_log_sink) (int32_t level, const char *domain, const char *message);

static inline void daybook_log_forward (mongoc_log_level_t level, const char *domain, const char *message, void *sink) {
    ((daybook_log_sink) sink) ((int32_t) level, domain, message);
}

/* MARK: Start */

#ifdef __linux__
/* Where libmongoc's TLS library is OpenSSL, the dynamic linker finds it; else it is NULL. */
extern int OPENSSL_init_crypto (uint64_t options, const void *settings) __attribute__ ((weak));
#endif

/* OpenSSL frees what it has in a handler of atexit, also what the driver's threads still use: a process that ends while a connection signs in or
 * closes would crash. The system frees it all anyway. It takes the option (0x00080000) only before anything else of it is used.
 * https://docs.openssl.org/3.0/man3/OPENSSL_init_crypto/ (OPENSSL_INIT_NO_ATEXIT), https://github.com/openssl/openssl/issues/6214 */
static inline void daybook_keep_tls_until_the_end (void) {
#ifdef __linux__
    if (OPENSSL_init_crypto) OPENSSL_init_crypto (0x00080000, NULL);
#endif
}

/* Once, before anything else of libmongoc: a handler installed later would miss what init prints. */
static inline void daybook_driver_init (daybook_log_sink sink) {
    mongoc_log_set_handler (daybook_log_forward, (void *) sink);
    daybook_keep_tls_until_the_end ();
    mongoc_init ();
}

#endif
