/* What the parts of the driver share. */
#ifndef BARE_INTERNAL_H
#define BARE_INTERNAL_H

#include <mongoc/mongoc.h>
#include <stdio.h>
#include <string.h>

#include "bare_driver.h"

struct bare_pool {
    mongoc_client_pool_t *pool;
};

static inline bool fail (bare_failure *failure, const char *operation, const char *reason) {
    snprintf (failure->message, sizeof failure->message, "%s: %s", operation, reason);
    return false;
}

/* The document at `bytes`, as libbson takes it, borrowed. */
static inline bool borrow (bson_t *document, bare_bytes bytes) { return bson_init_static (document, bytes.data, bytes.length); }

/* The length of the first document of `bytes`; 0 when there is none. */
static inline size_t first_length (bare_bytes bytes) {
    uint32_t length;
    if (bytes.length < 5) return 0;
    memcpy (&length, bytes.data, sizeof length);
    length = BSON_UINT32_FROM_LE (length);
    return length >= 5 && length <= bytes.length ? length : 0;
}

#endif
