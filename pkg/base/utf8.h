/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes (1 to 4) of the character that text begins with; 0 if that is not valid UTF-8 or
 * length is 0. NUL counts as a character. */
size_t utf8_char(const char *text, size_t length);
/* How many bytes from the start are valid: length if all are. */
size_t utf8_valid_prefix(const char *text, size_t length);
/* Writes the character's 1 to 4 bytes; 0 if it is a surrogate or above U+10FFFF. */
size_t utf8_encode(uint32_t character, char out[4]);

#endif
