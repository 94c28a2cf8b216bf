/*
 * licenses: the licences of what is linked in. The image holds this program and nothing else, so
 * their texts go along inside it. Invariant: every text of third_party/licenses is here, but for
 * those of what only tests link.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/autoscaler-keda-hpa/commands.h"

/* The file as it is, and a NUL. C has no way to say this before C23's #embed. */
#define TEXT(name, file)                                                                           \
	__asm__(".pushsection .rodata\n"                                                           \
		".global license_" #name "\n"                                                      \
		".hidden license_" #name "\n"                                                      \
		"license_" #name ":\n"                                                             \
		".incbin \"third_party/licenses/" file "\"\n"                                      \
		".byte 0\n"                                                                        \
		".popsection\n");                                                                  \
	extern const char license_##name[] __attribute__((visibility("hidden")))

TEXT(apache, "Apache-2.0.txt");
TEXT(curl, "curl.txt");
TEXT(glibc, "glibc.txt");
TEXT(lgpl, "LGPL-2.1.txt");
TEXT(libmicrohttpd, "libmicrohttpd.txt");
TEXT(libyaml, "libyaml.txt");
TEXT(nghttp2, "nghttp2.txt");
TEXT(openssl, "openssl.txt");
TEXT(protobuf_c, "protobuf-c.txt");
TEXT(uthash, "uthash.txt");
TEXT(yajl, "yajl.txt");

static const struct {
	const char *name, *text;
} licenses[] = {
    {"curl", license_curl},
    {"glibc", license_glibc},
    {"libmicrohttpd", license_libmicrohttpd},
    {"libyaml", license_libyaml},
    {"nghttp2", license_nghttp2},
    {"OpenSSL", license_openssl},
    {"protobuf-c", license_protobuf_c},
    {"uthash", license_uthash},
    {"yajl", license_yajl},
    /* Those that the above point to. */
    {"Apache License 2.0", license_apache},
    {"GNU Lesser General Public License 2.1", license_lgpl},
};

int command_licenses(int argc, char **argv)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;

	if (argc > 1) {
		fprintf(stderr, PROGRAM " %s: takes no arguments\n", argv[0]);
		return 2;
	}
	strbuf_addf(&out, "%s is linked with these works of others.\n", PROGRAM);
	for (size_t i = 0; i < ARRAY_SIZE(licenses); i++)
		strbuf_addf(&out, "\n---- %s ----\n\n%s", licenses[i].name, licenses[i].text);
	return command_print(&out) ? 0 : 1;
}
