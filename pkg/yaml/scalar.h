/* Inside pkg/yaml: what a plain scalar means, for reading and for knowing when to quote. */
#ifndef YAML_SCALAR_H
#define YAML_SCALAR_H

#include "pkg/base/strbuf.h"

enum scalar_kind {
	SCALAR_STRING,
	SCALAR_NULL,
	SCALAR_TRUE,
	SCALAR_FALSE,
	SCALAR_NUMBER,
	SCALAR_NOT_FINITE, /* .inf, .nan */
};

/* As go.yaml.in/yaml/v2 resolve() has it. For SCALAR_NUMBER number holds a JSON number: plain
 * decimals keep their digits, other bases are converted. number may be NULL. */
enum scalar_kind scalar_resolve(const char *text, size_t length, struct strbuf *number);

#endif
