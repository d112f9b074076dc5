#ifndef DAYBOOK_BSON_SHIM_H
#define DAYBOOK_BSON_SHIM_H

/* Shims over libbson. They take and return plain bytes only: libbson's own structs never cross into Swift. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* True when libbson finds the `length` bytes a structurally valid document with valid UTF-8 in keys and strings.
 * Used to check our own encoder against code that is not ours. */
static inline bool
daybook_bson_validate (const uint8_t *bytes, size_t length)
{
   bson_t document;
   size_t offset = 0;
   if (!bson_init_static (&document, bytes, length)) {
      return false;
   }
   return bson_validate (&document, (bson_validate_flags_t) (BSON_VALIDATE_UTF8 | BSON_VALIDATE_UTF8_ALLOW_NULL), &offset);
}

enum { DAYBOOK_DECIMAL128_STRING = BSON_DECIMAL128_STRING };

/* Writes the NUL-terminated text of a decimal128 into `text`, which holds DAYBOOK_DECIMAL128_STRING bytes. */
static inline void
daybook_decimal128_to_string (uint64_t high, uint64_t low, char *text)
{
   bson_decimal128_t decimal;
   decimal.high = high;
   decimal.low = low;
   bson_decimal128_to_string (&decimal, text);
}

/* Parses a decimal128; false when `text` is not a number or cannot be represented without rounding. */
static inline bool
daybook_decimal128_from_string (const char *text, uint64_t *high, uint64_t *low)
{
   bson_decimal128_t decimal;
   if (!bson_decimal128_from_string (text, &decimal)) {
      return false;
   }
   *high = decimal.high;
   *low = decimal.low;
   return true;
}

/* The bytes of the document that libbson reads an extended JSON text as, for daybook_json_free; NULL when it refuses.
 * Used to check our own reader against code that is not ours. */
static inline uint8_t *
daybook_bson_from_json (const char *text, size_t length, size_t *size)
{
   bson_error_t error;
   uint32_t bytes = 0;
   bson_t *document = bson_new_from_json ((const uint8_t *) text, (ssize_t) length, &error);
   uint8_t *result = document == NULL ? NULL : bson_destroy_with_steal (document, true, &bytes);
   *size = bytes;
   return result;
}

/* The extended JSON of a document, for daybook_json_free, or NULL. Beyond 200 levels libbson writes "..." instead. */
static inline char *
daybook_bson_to_json (const uint8_t *bytes, size_t length, bool canonical, size_t *size)
{
   bson_t document;
   if (!bson_init_static (&document, bytes, length)) {
      return NULL;
   }
   return canonical ? bson_as_canonical_extended_json (&document, size) : bson_as_relaxed_extended_json (&document, size);
}

static inline void
daybook_json_free (void *memory)
{
   bson_free (memory);
}

#endif
