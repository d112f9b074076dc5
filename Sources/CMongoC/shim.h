#ifndef DAYBOOK_SHIM_H
#define DAYBOOK_SHIM_H

/* The only door to C. Debian's libbson declares its structs over-aligned, which Swift imports as opaque pointers; other builds import typed
 * ones. So every shim takes and returns incomplete types of ours, and Swift code names nothing of libbson or libmongoc directly. */
#include <mongoc/mongoc.h>

#include "bson_shim.h"
#include "mongoc_shim.h"

#endif
