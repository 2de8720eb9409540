package supervise

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	pollEvery      = 50 * time.Millisecond
	requestTimeout = 5 * time.Second
)

// check returns nil when something has come true, else what is still missing.
type check func(context.Context) error

// await repeats a check until it succeeds. It ends early when the process that
// is to make it true has ended, and its error is the last thing that was missing.
func (s *supervisor) await(ctx context.Context, what, component string, ready check) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.timeout)
	defer cancel()
	for {
		missing := ready(ctx)
		if missing == nil {
			return nil
		}
		p := s.processes[component]
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended (%v); end of its log:\n%s", component, p.cmd.ProcessState, tail(s.layout.log(component)))
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w: %v; end of the log of %s:\n%s",
				what, context.Cause(ctx), missing, component, tail(s.layout.log(component)))
		case <-time.After(pollEvery):
		}
	}
}

// client talks to the components as the cluster's administrator.
type client struct{ http http.Client }

func newClient(l layout) (*client, error) {
	pair, err := tls.LoadX509KeyPair(l.certificate("admin"), l.key("admin"))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(l.certificate("ca"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &client{http: http.Client{
		Timeout: requestTimeout,
		// A transport of our own, unlike the default one, asks no ambient proxy.
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
		},
	}}, nil
}

// fetch succeeds when the answer is 200 and holds every one of the texts.
func (c *client) fetch(url string, texts ...string) check {
	return func(ctx context.Context) error {
		body, err := c.do(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		for _, text := range texts {
			if !bytes.Contains(body, []byte(text)) {
				return fmt.Errorf("GET %s: %q is missing", url, text)
			}
		}
		return nil
	}
}

func (c *client) create(ctx context.Context, url string, object any) error {
	content, err := json.Marshal(object)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, http.MethodPost, url, content)
	return err
}

func (c *client) do(ctx context.Context, method, url string, content []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, fmt.Errorf("%s %s: %s: %s", method, url, response.Status, bytes.TrimSpace(body))
	}
	return body, nil
}
