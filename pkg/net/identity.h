/*
 * struct identity: an endpoint made ready for use: the parsed server address and the contents of
 * the files that say who we are and whom we trust. Files are looked at again every 10 s at most,
 * and read when they changed; a file that has become unreadable or senseless keeps its old
 * content (rotation is not atomic for everybody). Only pkg/net includes this.
 */
#ifndef NET_IDENTITY_H
#define NET_IDENTITY_H

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "pkg/base/error.h"
#include "pkg/net/curl_transport.h"

/* A text that was given, or the content of a file. At most 1 MiB; an empty text or path counts as
 * none. */
struct material {
	char *path; /* NULL: the text was given */
	char *text; /* NULL: none configured */
	size_t length;
	struct stat seen; /* when it was read */
};

struct identity {
	char *base;  /* "https://host:port/prefix", no slash at its end */
	char *shown; /* "host:port", for messages */
	/* With a tls_server_name (else NULL) base carries that name; these lead to the server. */
	struct curl_slist *connect_to;
	char *host_header;
	char *user_agent;
	struct curl_slist *headers; /* further ones */
	char *proxy;                /* NULL: none, or the environment's */
	char *proxy_shown;          /* for messages, instead of shown; NULL: no proxy */
	bool tls, insecure, proxy_from_environment;
	struct material ca, cert, key, token;
	int64_t next_look_ms; /* monotonic */
	struct credential_source source;
	int64_t next_fetch_ms, earliest_fetch_ms; /* monotonic */
};

/* ERROR_FATAL: not an http(s) URL, unreadable file, certificate without key, ... */
MUST_CHECK bool identity_init(struct identity *identity, const struct endpoint *endpoint,
			      int64_t now_ms, struct error *err);
/* Parts of it, in identity_address.c. */
MUST_CHECK bool identity_address(struct identity *identity, const struct endpoint *endpoint,
				 struct error *err);
MUST_CHECK bool identity_proxy(struct identity *identity, const struct endpoint *endpoint,
			       struct error *err);
void identity_release(struct identity *identity);
void identity_refresh(struct identity *identity, int64_t now_ms);
/* The server did not believe us: the next refresh looks at the files in any case, and asks the
 * source if it was not asked in the last 10 s. */
void identity_doubt(struct identity *identity);

/* Sets trust, certificates, proxy, server name and user agent; contents are copied. */
void identity_apply(const struct identity *identity, CURL *easy);
/* Adds Authorization, Host and the further ones. */
struct curl_slist *identity_headers(const struct identity *identity, struct curl_slist *headers);

#endif
