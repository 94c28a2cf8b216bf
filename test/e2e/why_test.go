package e2e

// `autoscaler-keda-hpa why` on every row of the status table, each made on the
// real control plane, and on what the table leaves to others. Where the next
// step that it names is one that can be done, it is done, and helps.

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	authentication "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"autoscaler-keda-hpa/e2e/cluster"
)

// explanation is what why -o json prints.
type explanation struct {
	APIVersion, Kind             string
	Namespace, Revision, Service string
	Ready, Reason, Summary       string
	Since, HeldUntil             *time.Time
	Facts                        []struct{ Object, Text string }
	Next                         []struct{ Text, Command string }
	Unread                       []string
}

// person is somebody with a kubeconfig.
type person struct {
	*testCase
	kubeconfig string
	path       []string // of kubectl and its plugin, first
}

// administrator has kubectl, and the program as its plugin.
func (c *testCase) administrator() *person {
	c.Helper()
	dir := c.TempDir()
	program, err := filepath.Abs(cluster.ProgramPath(c.Root))
	if err == nil {
		err = os.Symlink(program, filepath.Join(dir, "kubectl-autoscaler_keda"))
	}
	if err == nil {
		err = os.Symlink(program, filepath.Join(dir, "autoscaler-keda-hpa"))
	}
	if err != nil {
		c.Fatal(err)
	}
	return &person{c, c.Kubeconfig, []string{dir, c.Bin}}
}

// as is the same with another login.
func (p *person) as(login clientcmdapi.AuthInfo) *person {
	p.Helper()
	config, err := clientcmd.LoadFromFile(p.Kubeconfig)
	if err != nil {
		p.Fatal(err)
	}
	for name := range config.AuthInfos {
		config.AuthInfos[name] = &login
	}
	other := *p
	other.kubeconfig = filepath.Join(p.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, other.kubeconfig); err != nil {
		p.Fatal(err)
	}
	return &other
}

// command is a line for a shell, as a person would paste it.
func (p *person) command(ctx context.Context, line string) *exec.Cmd {
	command := exec.CommandContext(ctx, "sh", "-c", line)
	command.Env = append(os.Environ(), "KUBECONFIG="+p.kubeconfig, "HOME="+filepath.Dir(p.kubeconfig),
		"PATH="+strings.Join(append(p.path, os.Getenv("PATH")), ":"), "SYSTEM_NAMESPACE="+cluster.SystemNamespace)
	command.WaitDelay = time.Second
	return command
}

// try runs a line and returns what it prints, and its complaint.
func (p *person) try(line string) (out, complaint string, err error) {
	ctx, cancel := context.WithTimeout(p.Context(), 30*time.Second)
	defer cancel()
	command := p.command(ctx, line)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	return stdout.String(), stderr.String(), err
}

// run is try for what has to work.
func (p *person) run(line string) string {
	p.Helper()
	out, complaint, err := p.try(line)
	if err != nil {
		p.Fatalf("%s: %v\n%s%s", line, err, out, complaint)
	}
	return out
}

func (p *person) tryWhy(name string) (explanation, error) {
	var said explanation
	line := fmt.Sprintf("autoscaler-keda-hpa why %s -n %s -o json", name, p.namespace)
	out, complaint, err := p.try(line)
	if err == nil {
		err = json.Unmarshal([]byte(out), &said)
	}
	if err != nil {
		return said, fmt.Errorf("%s: %w\n%s%s", line, err, out, complaint)
	}
	return said, nil
}

// waitWhy asks until this is the answer.
func (p *person) waitWhy(limit time.Duration, name, ready, reason string) explanation {
	p.Helper()
	return p.waitSaid(limit, name, fmt.Sprintf("to be %s %q", ready, reason), func(said explanation) bool {
		return said.Ready == ready && said.Reason == reason
	})
}

func (p *person) waitSaid(limit time.Duration, name, what string, enough func(explanation) bool) explanation {
	p.Helper()
	var said explanation
	p.eventually(limit, "why "+name+" "+what, func(context.Context) (err error) {
		if said, err = p.tryWhy(name); err == nil && !enough(said) {
			err = fmt.Errorf("it says %s %q: %s", said.Ready, said.Reason, said.Summary)
		}
		return err
	})
	return said
}

// wantSaid asks once more, for JSON and for the text for people, and checks
// what all answers have in common. Between the two questions there may be
// something new to say: then both are asked again. ready "" is any.
func (p *person) wantSaid(name, ready, reason string, parts ...string) explanation {
	p.Helper()
	var said explanation
	var text string
	p.eventually(20*time.Second, "why "+name+" to say the same as text", func(context.Context) (err error) {
		if said, err = p.tryWhy(name); err != nil {
			return err
		}
		text = p.run(fmt.Sprintf("autoscaler-keda-hpa why %s -n %s", name, p.namespace))
		want := []string{p.namespace + "/" + name, said.Summary}
		for _, next := range said.Next {
			want = append(want, next.Text, next.Command)
		}
		for _, part := range want {
			if !strings.Contains(flat(text), flat(part)) {
				return fmt.Errorf("want %q in\n%s", part, text)
			}
		}
		return nil
	})
	p.Logf("%s\n%s", name, text)
	if said.APIVersion != "autoscaler-keda-hpa/v1" || said.Kind != "RevisionExplanation" ||
		said.Namespace != p.namespace || said.Revision != name {
		p.Errorf("the answer is about %+v", said)
	}
	if ready != "" && said.Ready != ready || said.Reason != reason {
		p.Errorf("%s: ready %s, reason %q, want %s %q: %s", name, said.Ready, said.Reason, ready, reason, said.Summary)
	}
	p.wantText("summary", said.Summary, parts...)
	if len(said.Next) == 0 || len(said.Facts) == 0 {
		p.Errorf("no next step or no facts: %+v", said)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
		p.Errorf("the text has control characters: %q", text)
	}
	return said
}

// flat is text without its line breaks and indentation.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

// step is the command of the next step that has that part.
func (p *person) step(said explanation, part string) string {
	p.Helper()
	for _, next := range said.Next {
		if strings.Contains(next.Command, part) {
			return next.Command
		}
	}
	p.Fatalf("no next step has %q: %+v", part, said.Next)
	return ""
}

// waitFine waits until there is nothing left to say.
func (p *person) waitFine(limit time.Duration, name string) explanation {
	p.Helper()
	return p.waitWhy(limit, name, "True", "")
}

const bystanderRights = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: %[2]s, namespace: %[1]s}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: %[2]s, namespace: %[1]s}
rules:
- {apiGroups: [%[3]s], resources: ["*"], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: %[2]s, namespace: %[1]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[2]s}
subjects: [{kind: ServiceAccount, name: %[2]s, namespace: %[1]s}]
`

// reader may read nothing but those groups, in this namespace.
func (p *person) reader(name string, groups string) *person {
	p.Helper()
	if err := p.ApplyYAML(p.Context(), fmt.Sprintf(bystanderRights, p.namespace, name, groups)); err != nil {
		p.Fatal(err)
	}
	return p.as(clientcmdapi.AuthInfo{Token: p.token(name)})
}

func (p *person) token(name string) string {
	p.Helper()
	answer, err := p.Typed.CoreV1().ServiceAccounts(p.namespace).
		CreateToken(p.Context(), name, &authentication.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		p.Fatal(err)
	}
	return answer.Status.Token
}

// People who may not read everything get an answer all the same.
func TestWhyRights(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{"min-scale": "1", "metric-type": "Foo"})})
	c.waitActive(60*time.Second, "app-00001", "False", "InvalidAnnotation")
	admin := c.administrator()

	some := admin.reader("some", "serving.knative.dev, autoscaling.internal.knative.dev, networking.internal.knative.dev, autoscaling, apps")
	said := some.wantSaid("app-00001", "False", "InvalidAnnotation", prefix+"metric-type", "Foo")
	some.wantText("unread", strings.Join(said.Unread, "\n"), "scaledobjects.keda.sh", "forbidden")

	few := admin.reader("few", "serving.knative.dev")
	c.waitCondition(30*time.Second, cluster.Revisions, "app-00001", "Active", "False", "InvalidAnnotation")
	said = few.wantSaid("app-00001", "Unknown", "NotReadable", "InvalidAnnotation", prefix+"metric-type", "Foo")
	few.wantText("unread", strings.Join(said.Unread, "\n"), "podautoscalers")

	none := admin.reader("none", "example.com")
	_, complaint, err := none.try("autoscaler-keda-hpa why app-00001 -n " + c.namespace)
	if err == nil {
		t.Error("somebody without any rights got an answer")
	}
	c.wantText("the complaint", complaint, "forbidden")
}

const execPlugin = `#!/bin/sh
echo '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "'"$TOKEN"'"}}'
`

// The ways to it: as a plugin of kubectl, with a login that a program gives,
// with a name that is not there.
func TestWhyWays(t *testing.T) {
	w := sharedWorld(t)
	t.Parallel()
	c := newCase(t, w)
	c.setMetric(5)
	c.deploy(service{name: "app", annotations: c.customMetric(map[string]string{"min-scale": "1"})})
	c.waitCondition(60*time.Second, cluster.PodAutoscalers, "app-00001", "Ready", "True", "")
	admin := c.administrator()

	out := admin.run("kubectl autoscaler-keda status -n " + c.namespace)
	c.wantText("kubectl autoscaler-keda status", out, "REVISION", "app-00001", "True", "prometheus")
	out = admin.run("kubectl autoscaler-keda why app -n " + c.namespace)
	c.wantText("kubectl autoscaler-keda why", out, c.namespace+"/app-00001")
	c.wantText("its usage", admin.run("kubectl autoscaler-keda why --help"), "kubectl autoscaler-keda")

	// The administrator's own token, but from a program.
	config, err := clientcmd.LoadFromFile(c.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	plugin := filepath.Join(t.TempDir(), "login")
	if err := os.WriteFile(plugin, []byte(execPlugin), 0o755); err != nil {
		t.Fatal(err)
	}
	byProgram := admin.as(clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1", Command: plugin, InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
		Env: []clientcmdapi.ExecEnvVar{{Name: "TOKEN", Value: config.AuthInfos["e2e"].Token}},
	}})
	byProgram.wantSaid("app-00001", "True", "")

	_, complaint, err := admin.try("autoscaler-keda-hpa why ap-00001 -n " + c.namespace)
	if code := exitCode(err); code != 1 {
		t.Errorf("a revision that is not there: exit code %d", code)
	}
	c.wantText("the complaint", complaint, "not found", "app-00001")
	if _, complaint, err = admin.try("autoscaler-keda-hpa why"); exitCode(err) != 2 {
		t.Errorf("without a name: exit code %d: %s", exitCode(err), complaint)
	}
	admin.watchStatus()
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	return -1
}

// watchStatus has status -w tell of a change.
func (p *person) watchStatus() {
	p.Helper()
	ctx, cancel := context.WithCancel(p.Context())
	command := p.command(ctx, "exec autoscaler-keda-hpa status -w -o json -n "+p.namespace)
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		p.Fatal(err)
	}
	defer func() { cancel(); _ = command.Wait() }()
	rows := make(chan map[string]any, 100)
	go func() {
		defer close(rows)
		for decoder := json.NewDecoder(out); ; {
			var row map[string]any
			if decoder.Decode(&row) != nil {
				return
			}
			rows <- row
		}
	}()
	wait := func(most float64) {
		limit := time.After(20 * time.Second)
		var last map[string]any
		for {
			select {
			case row, open := <-rows:
				if !open {
					p.Fatalf("status -w ended; its last row: %v", last)
				}
				if last = row; row["revision"] == "app-00001" && row["maxReplicas"] == most {
					return
				}
			case <-limit:
				p.Fatalf("status -w does not show a maximum of %v; its last row: %v", most, last)
			}
		}
	}
	wait(10)
	p.annotate("app-00001", map[string]any{"max-scale": "7"})
	wait(7)
}
