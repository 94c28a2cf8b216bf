/* pkg/units/template.h: what expands, what is refused and at which column. */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/strbuf.h"
#include "pkg/units/template.h"
#include "test/lib/test.h"

static const struct template_variable variables[] = {
    {"revisionName", "hello-00001"},
    {"namespace", "default"},
    {"empty", ""},
    {NULL, NULL},
};

static bool expand(const char *text, struct arena *arena, char **out, struct error *err)
{
	*out = NULL;
	return template_expand(text, variables, arena, out, err);
}

TEST(template, expands)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
	    {"", ""},
	    {"plain } }} { text", "plain } }} { text"},
	    {"sum(rate(x{rev=\"{{ .revisionName }}\",ns=\"{{.namespace}}\"}[1m]))",
	     "sum(rate(x{rev=\"hello-00001\",ns=\"default\"}[1m]))"},
	    {"{{ .empty }}", ""},
	    {"a {{- .namespace -}} b", "adefaultb"},
	    {"a \t\r\n {{- .namespace }} b", "adefault b"},
	    {"a {{ .namespace -}} \n\t b", "a defaultb"},
	    {"{{ .namespace -}} {{- .namespace }}", "defaultdefault"},
	    {"{{\n.namespace\n}}", "default"},
	    {"a{{/* comment }} .x */}}b", "ab"},
	    {"a {{- /* comment */ -}} b", "ab"},
	    {"a{{/**/}}b", "ab"},
	    {"{{ \"q\" }}{{ `r\\n` }}", "qr\\n"},
	    {"{{ \"a\\n\\t\\\"\\\\\\u00fc\\x41\\101\\U0001F600\" }}", "a\n\t\"\\\xC3\xBC"
								      "AA\xF0\x9F\x98\x80"},
	    {"{{ \"}}\" }}", "}}"},
	    {"{{ if .namespace }}yes{{ end }}", "yes"},
	    {"{{ if .empty }}yes{{ end }}", ""},
	    {"{{if .empty}}yes{{else}}no{{end}}", "no"},
	    {"{{ if .namespace }}yes{{ else }}no{{ end }}", "yes"},
	    {"x {{- if .namespace -}} y {{- else -}} z {{- end -}} w", "xyw"},
	    {"{{ if .namespace }}a{{ if .empty }}b{{ else }}c{{ end }}d{{ end }}e", "acde"},
	    {"{{ if .empty }}a{{ if .namespace }}b{{ else }}c{{ end }}d{{ end }}e", "e"},
	    {"{{ printf \"%s/%s%%\" .namespace \"x\" }}", "default/x%"},
	    {"{{ printf \"none\" }}", "none"},
	    {"{{ printf `%s` .revisionName -}} !", "hello-00001!"},
	    {"{{ if .empty }}{{ printf \"%s\" .namespace }}{{ .namespace }}{{ end }}", ""},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		char *out;
		test_row("%s", rows[i].text);
		EXPECT(expand(rows[i].text, arena, &out, &err));
		EXPECT_TEXT(error_text(&err), "");
		EXPECT_TEXT(out, rows[i].want);
	}
}

TEST(template, refuses_with_the_column)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
	    {"ab {{ .revision }}", "column 7: unknown variable \".revision\", known are "
				   ".revisionName, .namespace, .empty"},
	    {"{{ if .empty }}{{ .x }}{{ end }}", "column 19: unknown variable \".x\""},
	    {"{{ if .x }}{{ end }}", "column 7: unknown variable \".x\""},
	    {"{{", "column 1: unclosed action"},
	    {"{{ .namespace", "column 1: unclosed action"},
	    {"{{ .namespace }", "column 15: unexpected text before the closing braces"},
	    {"{{}}", "column 1: empty action"},
	    {"{{ }}", "column 1: empty action"},
	    {"{{- -}}", "column 1: empty action"},
	    {"{{ . }}", "column 4: only variables"},
	    {"{{ .namespace.x }}", "column 4: only variables"},
	    {"{{ .namespace| }}", "column 4: only variables"},
	    {"{{ .namespace-}}", "column 4: only variables"},
	    {"{{ .namespace | quote }}", "column 15: unexpected text"},
	    {"{{ .namespace .empty }}", "column 15: unexpected text"},
	    {"{{ (.namespace) }}", "column 4: \"(\" is not supported"},
	    {"{{ $x := .namespace }}", "column 4: \"$\" is not supported"},
	    {"{{ 1 }}", "column 4: \"1\" is not supported"},
	    {"{{ 'c' }}", "column 4: \"'\" is not supported"},
	    {"{{ \a }}", "column 4: \"\\u0007\" is not supported"},
	    {"{{ true }}", "column 4: \"true\" is not supported"},
	    {"{{ range .x }}", "column 4: \"range\" is not supported"},
	    {"{{ len .namespace }}", "column 4: \"len\" is not supported"},
	    {"{{ \xC3\xBC }}", "column 4: \"\xC3\xBC\" is not supported"},
	    {"{{-.namespace}}", "column 3: \"-\" is not supported"},
	    {"{{ /* c */ }}", "column 4: \"/\" is not supported"},
	    {"{{/* c }}", "column 1: unclosed comment"},
	    {"{{/* c */ }}", "column 1: a comment must end with its action"},
	    {"{{/* c */", "column 1: a comment must end with its action"},
	    {"{{/* c */ .x}}", "column 1: a comment must end with its action"},
	    {"{{ \"abc }}", "column 4: unterminated quoted string"},
	    {"{{ \"a\nb\" }}", "column 4: unterminated quoted string"},
	    {"{{ `abc }}", "column 4: unterminated quoted string"},
	    {"{{ \"a\\q\" }}", "column 6: unknown escape"},
	    {"{{ \"a\\'\" }}", "column 6: unknown escape"},
	    {"{{ \"\\ud800\" }}", "column 5: unknown escape"},
	    {"{{ \"\\u12\" }}", "column 5: unknown escape"},
	    {"{{ \"\\400\" }}", "column 5: unknown escape"},
	    {"{{ \"\\18\" }}", "column 5: unknown escape"},
	    {"{{ \"\\", "column 5: unknown escape"},
	    {"{{ \"\\xff\" }}", "column 4: the quoted string is no text"},
	    {"{{ \"\\x00\" }}", "column 4: the quoted string is no text"},
	    {"{{ \"a\"\"b\" }}", "column 7: a space is missing"},
	    {"{{ if .namespace }}", "column 1: if without end"},
	    {"{{ if .empty }}{{ else }}", "column 1: if without end"},
	    {"{{ end }}", "column 1: end without if"},
	    {"{{ else }}", "column 1: else without if"},
	    {"{{ if .empty }}{{ else }}{{ else }}{{ end }}", "column 26: else without if"},
	    {"{{ if .empty }}{{ else if .namespace }}{{ end }}", "column 24: unexpected text"},
	    {"{{ if }}{{ end }}", "column 7: if knows a single variable only"},
	    {"{{ if eq .namespace \"x\" }}{{ end }}", "column 7: if knows a single variable only"},
	    {"{{ if .namespace .empty }}{{ end }}", "column 18: unexpected text"},
	    {"{{ printf }}", "column 1: printf wants a quoted format"},
	    {"{{ printf .namespace }}", "column 1: printf wants a quoted format"},
	    {"{{ printf \"%s\" }}", "column 1: printf has fewer arguments"},
	    {"{{ printf \"x\" .namespace }}", "column 15: printf has more arguments"},
	    {"{{ printf \"%d\" .namespace }}", "column 1: printf knows %s and %% only"},
	    {"{{ printf \"%5s\" .namespace }}", "column 1: printf knows %s and %% only"},
	    {"{{ printf \"%\" }}", "column 1: printf knows %s and %% only"},
	    {"{{ printf \"%s\" 1 }}", "column 16: only variables and quoted strings"},
	    {"{{ printf \"%s\" (.x) }}", "column 16: only variables and quoted strings"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		char *out;
		test_row("%s", rows[i].text);
		EXPECT_FALSE(expand(rows[i].text, arena, &out, &err));
		EXPECT_INT(err.kind, ERROR_INVALID);
		EXPECT_CONTAINS(error_text(&err), rows[i].error);
		EXPECT(out == NULL);
	}
}

static bool expand_nested(size_t depth, struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	char *out;
	for (size_t i = 0; i < depth; i++)
		strbuf_addstr(&text, "{{ if .namespace }}");
	for (size_t i = 0; i < depth; i++)
		strbuf_addstr(&text, "{{ end }}");
	return expand(text.buf, arena, &out, err);
}

TEST(template, limits_nesting_and_output)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	char *out;
	EXPECT(expand_nested(16, &err));
	EXPECT_FALSE(expand_nested(17, &err));
	EXPECT_CONTAINS(error_text(&err), "column 305: more than 16 ifs");
	for (size_t i = 0; i < 256 * 1024; i++)
		strbuf_addch(&text, 'x');
	EXPECT(expand(text.buf, arena, &out, &err));
	EXPECT_INT(strlen(out), 256 * 1024);
	strbuf_addstr(&text, "{{ .empty }}");
	EXPECT(expand(text.buf, arena, &out, &err));
	strbuf_addstr(&text, "{{ \"y\" }}");
	EXPECT_FALSE(expand(text.buf, arena, &out, &err));
	EXPECT_CONTAINS(error_text(&err), "expands to more than 262144 bytes");
}

TEST(template, cuts_long_names_in_messages)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	char text[3001] = "{{ .", *out;
	memset(text + 4, 'n', sizeof(text) - 4 - 4);
	memcpy(text + sizeof(text) - 4, " }}", 4);
	EXPECT_FALSE(expand(text, arena, &out, &err));
	EXPECT(strlen(error_text(&err)) < 300);
}

TEST(template, stands_damaged_input)
{
	static const char *const seeds[] = {
	    "a {{- if .namespace -}} {{ printf \"%s\\n%%\" .revisionName }} {{- else }}{{ `x` }}{{ "
	    "end }}",
	    "{{/* c */}}{{ .namespace }}{{ \"\\u00fc\\x41\" }} b {{- /* d */ -}} c",
	};
	uint64_t random = 23;
	int accepted = 0;
	for (int i = 0; i < 40000; i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		size_t length;
		char *out, *damaged = test_mutate(&random, seeds[i % 2], &length);
		char *text = arena_strndup(arena, damaged, length);
		free(damaged);
		bool ok = expand(text, arena, &out, &err);
		accepted += ok;
		if (ok == (err.kind != ERROR_NONE))
			EXPECT_TEXT(text, "an answer");
	}
	EXPECT(accepted > 1000);
	EXPECT(accepted < 39000);
}

TEST_MAIN(TEST_OF(template, expands), TEST_OF(template, refuses_with_the_column),
	  TEST_OF(template, limits_nesting_and_output),
	  TEST_OF(template, cuts_long_names_in_messages), TEST_OF(template, stands_damaged_input))
