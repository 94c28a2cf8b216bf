/*
 * Certificates by libcrypto. Invariant: the serial numbers are random, so that a client that
 * remembers an older devcluster's CA never takes one certificate for the other.
 */
#include "test/cluster/certificates.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "pkg/base/check.h"

#define BACKDATED_S (-3600L)
#define VALID_S (365L * 24 * 3600)
#define NAMES                                                                                      \
	"IP:127.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,"                        \
	"DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local"

static void key_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void certificate_freep(X509 **certificate)
{
	X509_free(*certificate);
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = extension && X509_add_ext(certificate, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

static bool set_names(X509 *certificate, X509 *issuer, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	const X509_NAME *issuer_name = X509_get_subject_name(issuer);
	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
					  -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, issuer_name) == 1;
}

static bool set_serial(X509 *certificate)
{
	uint64_t serial;
	return RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1 &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1;
}

/* A certificate without extensions and signature; issuer NULL: its own. */
static X509 *draft(EVP_PKEY *key, X509 *issuer, const char *name)
{
	X509 *certificate = X509_new();
	bool ok = certificate && X509_set_version(certificate, X509_VERSION_3) == 1 &&
		  set_serial(certificate) &&
		  X509_gmtime_adj(X509_getm_notBefore(certificate), BACKDATED_S) &&
		  X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_S) &&
		  set_names(certificate, issuer ? issuer : certificate, name) &&
		  X509_set_pubkey(certificate, key) == 1;
	if (ok)
		return certificate;
	X509_free(certificate);
	return NULL;
}

static bool sign(X509 *certificate, EVP_PKEY *key)
{
	return X509_sign(certificate, key, EVP_sha256()) > 0;
}

static char *pem_of(X509 *certificate, EVP_PKEY *key)
{
	char *data, *text = NULL;
	BIO *memory = BIO_new(BIO_s_mem());
	CHECK(memory);
	bool ok = certificate
		      ? PEM_write_bio_X509(memory, certificate) == 1
		      : PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL) == 1;
	long length = BIO_get_mem_data(memory, &data);
	if (ok && length > 0)
		text = xstrndup(data, (size_t)length);
	BIO_free(memory);
	return text;
}

static bool failed(struct error *err, const char *what)
{
	char text[256];
	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	return error_set(err, ERROR_FATAL, "make %s: %s", what, text);
}

bool certificates_make(struct certificates *out, struct error *err)
{
	CLEANUP(key_freep) EVP_PKEY *ca_key = EVP_EC_gen("P-256");
	CLEANUP(key_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	CLEANUP(certificate_freep) X509 *ca = NULL;
	CLEANUP(certificate_freep) X509 *server = NULL;
	if (!ca_key || !key)
		return failed(err, "keys");
	ca = draft(ca_key, NULL, "devcluster-ca");
	if (!ca || !add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE") ||
	    !add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !add_extension(ca, ca, NID_subject_key_identifier, "hash") || !sign(ca, ca_key))
		return failed(err, "the CA");
	server = draft(key, ca, "devcluster");
	if (!server || !add_extension(server, ca, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_extension(server, ca, NID_key_usage, "critical,digitalSignature") ||
	    !add_extension(server, ca, NID_ext_key_usage, "serverAuth") ||
	    !add_extension(server, ca, NID_authority_key_identifier, "keyid") ||
	    !add_extension(server, ca, NID_subject_alt_name, NAMES) || !sign(server, ca_key))
		return failed(err, "the server's certificate");
	out->ca = pem_of(ca, NULL);
	out->server = pem_of(server, NULL);
	out->key = pem_of(NULL, key);
	return (out->ca && out->server && out->key) || failed(err, "PEM");
}

void certificates_release(struct certificates *certificates)
{
	free(certificates->ca);
	free(certificates->server);
	free(certificates->key);
	*certificates = (struct certificates){0};
}
