package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Kubectl runs kubectl as the administrator and returns what it prints; an
// error has what it complained of.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(c.Bin, "kubectl"), args...)
	command.Dir = c.Root
	// Its cache of what the API server offers is of this cluster only.
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.path("config"), "KUBECONFIG=" + c.Kubeconfig}
	var out, complaint strings.Builder
	command.Stdout, command.Stderr = &out, &complaint
	if err := command.Run(); err != nil {
		return out.String(), fmt.Errorf("kubectl %s: %w\n%s%s", strings.Join(args, " "), err, &out, &complaint)
	}
	return out.String(), nil
}
