package pki

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func parse(t *testing.T, pair Pair) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(pair.Public)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func TestServerCertificateIsTrustedUnderItsNamesByItsOwnAuthorityOnly(t *testing.T) {
	ours, err := NewAuthority("ours")
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewAuthority("other")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ours.Server("server", []net.IP{net.IPv4(10, 96, 0, 1)}, "kubernetes.default")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"127.0.0.1", "10.96.0.1", "localhost", "kubernetes.default"} {
		for authority, trusted := range map[*Authority]bool{ours: true, other: false} {
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(authority.Public)
			_, err := parse(t, pair).Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
			if (err == nil) != trusted {
				t.Errorf("name %s, trust expected: %v, got: %v", name, trusted, err)
			}
		}
	}
}

func TestClientCertificateNamesUserAndGroups(t *testing.T) {
	authority, err := NewAuthority("ours")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := authority.Client("someone", "group-a", "group-b")
	if err != nil {
		t.Fatal(err)
	}
	subject := parse(t, pair).Subject
	if subject.CommonName != "someone" || len(subject.Organization) != 2 {
		t.Errorf("unexpected subject %v", subject)
	}
}

func TestPrivateHalfIsReadableByItsOwnerOnly(t *testing.T) {
	pair, err := SigningKey()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := pair.Write(filepath.Join(folder, "public"), filepath.Join(folder, "private")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(folder, "private"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("private key has mode %v", info.Mode())
	}
}
