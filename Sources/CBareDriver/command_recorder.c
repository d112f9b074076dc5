/* Records what Daybook sends, though its pools are its own affair: the function that makes a pool is replaced by one that hands on to
 * libmongoc's and then sets the monitoring callbacks. The executable's definition comes before the shared library's. */
#define _GNU_SOURCE
#include "command_recorder.h"

#include <dlfcn.h>
#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_bool is_monitoring_new_pools;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool is_recording;
static bare_recording recording;
static uint8_t *buffer;
static size_t capacity;

void bare_monitor_new_pools (bool is_on) { atomic_store (&is_monitoring_new_pools, is_on); }

static bool is_own_affair (const char *name) {
    static const char *const names[] = {"hello", "isMaster", "ismaster", "ping", "endSessions"};
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        if (strcmp (name, names[index]) == 0) return true;
    }
    return false;
}

static void command_started (const mongoc_apm_command_started_t *event) {
    if (is_own_affair (mongoc_apm_command_started_get_command_name (event))) return;
    const bson_t *command = mongoc_apm_command_started_get_command (event);
    pthread_mutex_lock (&mutex);
    if (is_recording) {
        if (recording.length + command->len > capacity) {
            size_t wanted = (recording.length + command->len) * 2;
            uint8_t *larger = realloc (buffer, wanted);
            if (larger == NULL) abort ();
            buffer = larger;
            capacity = wanted;
        }
        memcpy (buffer + recording.length, bson_get_data (command), command->len);
        recording.length += command->len;
        recording.commands += 1;
        recording.bytes += command->len;
    }
    pthread_mutex_unlock (&mutex);
}

void bare_recording_begin (void) {
    pthread_mutex_lock (&mutex);
    memset (&recording, 0, sizeof recording);
    is_recording = true;
    pthread_mutex_unlock (&mutex);
}

bare_recording bare_recording_end (void) {
    pthread_mutex_lock (&mutex);
    is_recording = false;
    bare_recording result = recording;
    result.data = buffer;
    pthread_mutex_unlock (&mutex);
    return result;
}

mongoc_client_pool_t *mongoc_client_pool_new_with_error (const mongoc_uri_t *uri, bson_error_t *error) {
    mongoc_client_pool_t *(*original) (const mongoc_uri_t *, bson_error_t *) = NULL;
    *(void **) &original = dlsym (RTLD_NEXT, "mongoc_client_pool_new_with_error");
    if (original == NULL) abort ();
    mongoc_client_pool_t *pool = original (uri, error);
    if (pool != NULL && atomic_load (&is_monitoring_new_pools)) {
        mongoc_apm_callbacks_t *callbacks = mongoc_apm_callbacks_new ();
        mongoc_apm_set_command_started_cb (callbacks, command_started);
        mongoc_client_pool_set_apm_callbacks (pool, callbacks, NULL);
        mongoc_apm_callbacks_destroy (callbacks);
    }
    return pool;
}
