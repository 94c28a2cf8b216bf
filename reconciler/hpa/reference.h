/*
 * The reference of all annotations, from the annotation table: the subcommand `annotations` prints
 * it, and docs/annotations.md is its Markdown.
 */
#ifndef HPA_REFERENCE_H
#define HPA_REFERENCE_H

#include "pkg/base/strbuf.h"

void reference_markdown(struct strbuf *out);
/* A list of {"name", "aliases", "description", "value", "default", "metrics", "example",
 * "withAutoCreateOff", "besideOverride"}; "default" and "example" only where there is one,
 * "supported" false where it is refused. */
void reference_json(struct strbuf *out);

#endif
