/*
 * The transport over libcurl: HTTP/2 where offered (ALPN), TLS >= 1.2, host and CA always
 * verified unless insecure is asked for, no redirects, no proxy unless one is named or asked for,
 * no cookies, no .netrc, no HSTS or alt-svc. Headers are bounded (256 KiB), collected bodies too,
 * as they come: none is unpacked. Connections are never capped: with a cap of one, a GOAWAY leaves
 * libcurl 7.88 waiting for as long as watches stay open on the old connection. Connecting takes 10
 * s at most; a peer that acknowledges nothing for 30 s is gone (asked by keepalive probes where
 * nothing is to be sent). When a call runs out of time or patience and nothing was heard on its
 * connection meanwhile, the connection is shut: its other calls fail too, and the next one gets a
 * new one.
 */
#ifndef NET_CURL_TRANSPORT_H
#define NET_CURL_TRANSPORT_H

#include "pkg/base/arena.h"
#include "pkg/net/loop.h"
#include "pkg/net/transport.h"

/* What a credential source answers; NULL: not that. */
struct credentials {
	const char *token;
	const char *cert_pem, *key_pem; /* both or neither */
	int64_t valid_ms;               /* from now; 0: until it is refused */
};

/* Somebody who says who we are. Asked at the start, when the answer has run out and after a 401 or
 * a failed TLS handshake, every 10 s at most; the first failure fails the start, at a later one the
 * old answer stays. fetch may take its time: the loop stands still meanwhile, so it is nothing for
 * a server. Texts are good until the arena goes. */
struct credential_source {
	bool (*fetch)(void *ctx, struct arena *arena, struct credentials *out, struct error *err);
	void *ctx;
};

/* Where the server is and who we are; texts are copied. Either the file or the text (PEM) of a
 * pair is set (the file wins); "" counts as NULL. Without a CA the system's are trusted. Files
 * (token, CA, certificates) are read again when their mtime changed, looked at once every 10 s at
 * most and after a 401 or a failed TLS handshake; one that cannot be used keeps its old content. */
struct endpoint {
	const char *server;          /* "https://host:port[/prefix]" (http for tests) */
	const char *tls_server_name; /* verified instead of the host, or NULL */
	const char *ca_file, *ca_pem;
	const char *client_cert_file, *client_cert_pem;
	const char *client_key_file, *client_key_pem;
	const char *token_file, *token; /* the file wins; bearer */
	const char *user_agent;
	struct credential_source credentials; /* fetch NULL: none; its answer wins over the above */
	const char *const *headers; /* further ones, "Name: value", NULL at the end; or NULL */
	/* "http://", "https://" or "socks5://host:port", may have user and password; names are
	 * resolved there. An https server is reached by CONNECT, and the proxy learns no header of
	 * ours; an https proxy is verified with the server's CA, always. NULL: none. */
	const char *proxy;
	bool proxy_from_environment; /* proxy NULL: https_proxy, HTTPS_PROXY, http_proxy, ALL_PROXY,
					NO_PROXY, as libcurl reads them */
	bool insecure_skip_verify;
};

/* ERROR_FATAL: not an http or https URL, unreadable or empty file, certificate without key, no
 * credentials, no proxy's URL. */
MUST_CHECK bool curl_transport_new(struct loop *loop, const struct endpoint *endpoint,
				   struct transport **out, struct error *err);
/* Calls under way are cancelled. Not from head or data; NULL is fine. */
void curl_transport_free(struct transport *transport);

/* Called once for every finished request, before its done: metrics live above. The status is 0 if
 * no answer came; a stream's duration ends with its head. */
void curl_transport_observe(struct transport *transport,
			    void (*finished)(void *ctx, const char *method, int status,
					     int64_t duration_ms),
			    void *ctx);

#endif
