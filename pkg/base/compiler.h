/* Attributes that the whole tree uses. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

/* Every function that can fail carries it: an answer may not be dropped. */
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
/* CLEANUP(error_clear) struct error err = ERROR_INIT;  runs error_clear(&err) at scope end. */
#define CLEANUP(function) __attribute__((cleanup(function)))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
