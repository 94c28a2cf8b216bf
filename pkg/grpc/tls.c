/*
 * Certificates on the server's side. Invariant: context is usable and made from the files as seen
 * tells; files that cannot be used (a rotation that is half done) change nothing, and are tried
 * again at the next look.
 */
#include "pkg/grpc/tls.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"

#define LOOK_EVERY_MS 10000
/* TLS 1.2 with what RFC 9113 appendix A does not forbid; TLS 1.3 has its own list. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

enum { CERT, KEY, CLIENT_CA, FILES };

struct tls {
	SSL_CTX *context;
	char *paths[FILES]; /* NULL: none */
	struct stat seen[FILES];
	int64_t next_look_ms; /* monotonic */
};

static bool refused(struct error *err, const char *path)
{
	const char *reason = ERR_reason_error_string(ERR_get_error());
	ERR_clear_error();
	return error_set(err, ERROR_FATAL, "%s: %s", path, reason ? reason : "unusable");
}

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_length,
		     const unsigned char *offered, unsigned length, void *ctx)
{
	static const unsigned char h2[] = {2, 'h', '2'};
	(void)ssl, (void)ctx;
	for (unsigned at = 0; at + sizeof(h2) <= length; at += 1U + offered[at])
		if (memcmp(offered + at, h2, sizeof(h2)) == 0) {
			*out = offered + at + 1;
			*out_length = sizeof(h2) - 1;
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *context_new(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	CHECK(context);
	CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
	CHECK(SSL_CTX_set_cipher_list(context, CIPHERS) == 1);
	/* Connections last; tickets would only be something more to keep secret. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 0);
	SSL_CTX_set_options(context,
			    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(context, choose_h2, NULL);
	return context;
}

static bool trust_clients_of(SSL_CTX *context, const char *path, struct error *err)
{
	if (SSL_CTX_load_verify_file(context, path) != 1)
		return refused(err, path);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return true;
}

static bool fill(SSL_CTX *context, char *const paths[FILES], struct error *err)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(context, paths[CERT]) != 1)
		return refused(err, paths[CERT]);
	if (SSL_CTX_use_PrivateKey_file(context, paths[KEY], SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(context) != 1)
		return refused(err, paths[KEY]);
	return !paths[CLIENT_CA] || trust_clients_of(context, paths[CLIENT_CA], err);
}

/* Stats are taken before the files are read: what changes meanwhile is seen at the next look. */
static bool load(struct tls *tls, const struct stat stats[FILES], struct error *err)
{
	SSL_CTX *context = context_new();
	if (!fill(context, tls->paths, err)) {
		SSL_CTX_free(context);
		return false;
	}
	SSL_CTX_free(tls->context); /* connections that use it keep it */
	tls->context = context;
	memcpy(tls->seen, stats, sizeof(tls->seen));
	return true;
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* True: at least one is not what was seen. A missing file has no stat. */
static bool look(const struct tls *tls, struct stat stats[FILES])
{
	bool changed = false;
	for (int i = 0; i < FILES; i++) {
		memset(&stats[i], 0, sizeof(stats[i]));
		if (tls->paths[i])
			(void)!stat(tls->paths[i], &stats[i]);
		changed = changed || !same(&stats[i], &tls->seen[i]);
	}
	return changed;
}

static void refresh(struct tls *tls, int64_t now_ms)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct stat stats[FILES];
	if (now_ms < tls->next_look_ms)
		return;
	tls->next_look_ms = now_ms + LOOK_EVERY_MS;
	if (!look(tls, stats))
		return;
	if (load(tls, stats, &err))
		log_info("credentials read again", F_STR("file", tls->paths[CERT]));
	else
		log_warn("credentials not read again", F_STR("file", tls->paths[CERT]),
			 F_STR("error", error_text(&err)));
}

bool tls_new(const char *cert_file, const char *key_file, const char *client_ca_file,
	     int64_t now_ms, struct tls **out, struct error *err)
{
	struct stat stats[FILES];
	if (!cert_file || !key_file)
		return error_set(err, ERROR_FATAL, "certificate and key go together");
	struct tls *tls = xcalloc(1, sizeof(*tls));
	tls->paths[CERT] = xstrdup(cert_file);
	tls->paths[KEY] = xstrdup(key_file);
	tls->paths[CLIENT_CA] = client_ca_file ? xstrdup(client_ca_file) : NULL;
	tls->next_look_ms = now_ms + LOOK_EVERY_MS;
	look(tls, stats);
	if (!load(tls, stats, err)) {
		tls_free(tls);
		return false;
	}
	*out = tls;
	return true;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->context);
	for (int i = 0; i < FILES; i++)
		free(tls->paths[i]);
	free(tls);
}

SSL *tls_accept(struct tls *tls, int fd, int64_t now_ms)
{
	refresh(tls, now_ms);
	SSL *ssl = SSL_new(tls->context);
	if (ssl && SSL_set_fd(ssl, fd) == 1)
		return ssl;
	SSL_free(ssl);
	ERR_clear_error();
	return NULL;
}
