/*
 * compat: the compiler's builtins that the rest of the code may use, under one name each.
 */
#ifndef BASE_COMPAT_H
#define BASE_COMPAT_H

#include <stddef.h>
#include <stdint.h>

#define PRINTF_LIKE(fmt, args) __attribute__((__format__(__printf__, fmt, args)))
#define NORETURN __attribute__((__noreturn__))
#define MUST_USE __attribute__((__warn_unused_result__))
#define UNUSED __attribute__((__unused__))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define LIKELY(x) __builtin_expect(!!(x), 1)
/* For what runs for each record, where the compiler would rather call. */
#define ALWAYS_INLINE inline __attribute__((__always_inline__))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* How many bits a number that is not 0 takes: 1 to 64. */
#define BIT_WIDTH(x) (64 - __builtin_clzll(x))

/* The product of two numbers of 64 bits. */
typedef unsigned __int128 uint128;

/* Sums of lengths that came from outside: true when the sum does not fit. */
#define ADD_OVERFLOWS(a, b, sum) __builtin_add_overflow(a, b, sum)
#define MUL_OVERFLOWS(a, b, product) __builtin_mul_overflow(a, b, product)

#endif
