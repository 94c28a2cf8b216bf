package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"autoscaler-keda-hpa/e2e/cluster"
)

// httpTLS has KEDA ask by TLS: with what we write and an authority that KEDA
// is started with, and then, showing a certificate of its own, with a
// ScaledObject and a TriggerAuthentication that somebody else wrote.
func httpTLS(c *httpCase) {
	file := func(name string) string { return filepath.Join(c.Dir, "pki", name) }
	_, authority, err := c.NewServing("scaler")
	client, clientAuthority, clientErr := c.NewServing("keda-client")
	key, keyErr := os.ReadFile(file("keda-client.key"))
	certificate, certificateErr := os.ReadFile(file("keda-client.crt"))
	if err := errors.Join(err, clientErr, keyErr, certificateErr, c.TrustForKEDA(authority),
		os.WriteFile(file("keda-client-ca.crt"), clientAuthority, 0o644)); err != nil {
		c.Fatal(err)
	}
	startKEDA := c.once(func() error { return c.StartKEDA(context.Background()) })
	c.StopKEDA()
	startKEDA()
	before := c.program.Env
	c.Cleanup(func() { c.serveWith(before, false) })
	c.serveWith(append(c.program.Env[:len(before):len(before)],
		"SCALER_TLS_CERT_FILE="+file("scaler.crt"), "SCALER_TLS_KEY_FILE="+file("scaler.key")), true)
	if err := c.scalerAnswers(authority); err != nil {
		c.Errorf("a client without a certificate: %v", err)
	}
	revision := c.deployAtZero("concurrency", nil)
	if text := fmt.Sprint(c.must(cluster.ScaledObjects, revision).Object["spec"]); !strings.Contains(text, "enableTLS:true") {
		c.Errorf("the triggers do not ask for TLS: %s", text)
	}
	c.wakesAndScales(revision)

	c.serveWith(append(c.program.Env, "SCALER_TLS_CLIENT_CA_FILE="+file("keda-client-ca.crt")), false)
	if err := c.scalerAnswers(authority); err == nil || !strings.Contains(err.Error(), "certificate required") {
		c.Errorf("a client without a certificate: %v, want that one is required", err)
	}
	if err := c.scalerAnswers(authority, client); err != nil {
		c.Errorf("a client with a certificate: %v", err)
	}
	revision = c.deployHTTP("own", "", onRequests("concurrency", map[string]string{"scaled-object-auto-create": "false"}))
	c.waitReplicas(time.Minute, revision, 1)
	if err := c.ApplyYAML(c.Context(), fmt.Sprintf(scaledObjectByTLS, c.namespace, revision, c.front.Address,
		authority, certificate, key)); err != nil {
		c.Fatal(err)
	}
	c.waitReady(revision)
	c.waitZero(revision)
	c.wakesAndScales(revision)
}

const scaledObjectByTLS = `
apiVersion: v1
kind: Secret
metadata: {name: scaler, namespace: %[1]s}
stringData: {caCert: %[4]q, tlsClientCert: %[5]q, tlsClientKey: %[6]q}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: scaler, namespace: %[1]s}
spec:
  secretTargetRef:
  - {name: scaler, parameter: caCert, key: caCert}
  - {name: scaler, parameter: tlsClientCert, key: tlsClientCert}
  - {name: scaler, parameter: tlsClientKey, key: tlsClientKey}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: %[2]s-deployment}
  minReplicaCount: 0
  maxReplicaCount: 5
  pollingInterval: 2
  cooldownPeriod: 6
  initialCooldownPeriod: 20
  advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 6}}}}
  triggers:
  - type: external-push
    metadata: {scalerAddress: %[3]q, metric: concurrency, revision: %[2]s, target: "1"}
    authenticationRef: {name: scaler}
`

func (c *httpCase) wakesAndScales(revision string) {
	c.Helper()
	g := c.gateway(revision, false)
	g.atOnce(1, "ms=10").check(c)
	c.underLoad(g, func() {})
	c.waitZero(revision)
}

// serveWith starts the program anew with that environment, and has triggers
// ask for TLS or not.
func (c *httpCase) serveWith(env []string, byTLS bool) {
	c.Helper()
	c.program.Env = env
	if err := errors.Join(c.program.Stop(), c.program.Start(context.Background()),
		c.set.ScaleBy(context.Background(), c.front.Address, byTLS)); err != nil {
		c.Error(err)
	}
}

// scalerAnswers is nil if the program speaks HTTP/2 by TLS with a client that
// shows those certificates.
func (c *httpCase) scalerAnswers(authority []byte, certificates ...tls.Certificate) error {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	conn, err := tls.Dial("tcp", c.program.Scaler,
		&tls.Config{RootCAs: pool, Certificates: certificates, NextProtos: []string{"h2"}})
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	// Without a certificate one hears of it after the handshake only: the
	// preface and empty SETTINGS.
	_, writeErr := conn.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	if _, err = conn.Read(make([]byte, 1)); err != nil {
		err = errors.Join(err, writeErr)
	}
	return err
}
