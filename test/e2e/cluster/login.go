package cluster

import (
	"context"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// LogProgramInBy gives the program a token that is worth nothing once a
// Secret, made for it, is deleted: shorter ones than 10 minutes the API
// server refuses to make.
func (c *Cluster) LogProgramInBy(ctx context.Context, secret string) error {
	bound, err := c.Typed.CoreV1().Secrets(SystemNamespace).Create(ctx,
		&core.Secret{ObjectMeta: metav1.ObjectMeta{Name: secret}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	request := &authentication.TokenRequest{Spec: authentication.TokenRequestSpec{
		BoundObjectRef: &authentication.BoundObjectReference{
			APIVersion: "v1", Kind: "Secret", Name: bound.Name, UID: bound.UID,
		},
	}}
	answer, err := c.Typed.CoreV1().ServiceAccounts(SystemNamespace).
		CreateToken(ctx, ProgramName, request, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return replaceFile(c.path("config", "program.token"), []byte(answer.Status.Token))
}

// RevokeLogin deletes the Secret.
func (c *Cluster) RevokeLogin(ctx context.Context, secret string) error {
	return c.Typed.CoreV1().Secrets(SystemNamespace).Delete(ctx, secret, metav1.DeleteOptions{})
}
