/*
 * Texts for people. What comes from a cluster may hold anything: a terminal must not obey it, a
 * table must not be torn by it, and nobody wants to scroll through it.
 */
#ifndef EXPLAIN_TEXT_H
#define EXPLAIN_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/arena.h"
#include "pkg/json/json.h"

#define TEXT_MESSAGE_MAX 2048 /* bytes: of a condition's message */
#define TEXT_WORD_MAX 256     /* of a name or a reason */

/* A copy of at most about max bytes, cut with an ellipsis between characters. Line breaks and tabs
 * become blanks; other control characters (C0, DEL, C1) and those that turn the direction of
 * writing are shown as "\u001b"; a byte that is no UTF-8 becomes U+FFFD. NULL counts as "". */
char *text_visible(struct arena *arena, const char *text, size_t max);
/* As a word of a shell's command line: quoted only if it needs to be. */
char *text_shell(struct arena *arena, const char *text);
/* A duration as kubectl prints ages (HumanDuration of k8s.io/apimachinery): "2m5s", "3h", "47d";
 * "<invalid>" if it is below zero by more than a second. */
char *text_duration(struct arena *arena, int64_t ms);
/* Is one likely a slip of the other? Equal but for a few letters, or one begins with the other. */
bool text_is_near(const char *asked, const char *there);
/* A moment as member of a JSON object, RFC 3339; 0 is left out. */
void text_set_time(struct arena *arena, struct json *object, const char *key, int64_t ms);

#endif
