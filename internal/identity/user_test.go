package identity

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tresor-pacs/tresor/internal/policy"
)

func openAccounts(t testing.TB, dir string, o Options) *Accounts {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	a, err := OpenAccounts(dir, testBox(t, 1), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func TestUserSignsInWithThePasswordAlone(t *testing.T) {
	a := openAccounts(t, t.TempDir(), Options{})
	if err := a.AddUser(t.Context(), User{Name: "erika", Role: policy.Radiologist}, "correct horse"); err != nil {
		t.Fatal(err)
	}
	u, err := a.SignIn(t.Context(), "erika", "correct horse")
	if err != nil || u.Name != "erika" || !u.Principal().Has(policy.Get) || u.Password != "" {
		t.Errorf("%+v, %v", u, err)
	}
	for _, c := range [][2]string{{"erika", "wrong horse"}, {"erika", ""}, {"nobody", "correct horse"}, {"", ""},
		{"erika", strings.Repeat("x", maxPassword+1)}} {
		if _, err := a.SignIn(t.Context(), c[0], c[1]); !errors.Is(err, ErrSignIn) {
			t.Errorf("%q: %v", c[0], err)
		}
	}
	if err := a.SetPassword(t.Context(), "erika", "another horse"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.SignIn(t.Context(), "erika", "correct horse"); err == nil {
		t.Error("the old password is good")
	}
	if err := a.SetDisabled(t.Context(), "erika", true); err != nil {
		t.Fatal(err)
	}
	if _, err := a.SignIn(t.Context(), "erika", "another horse"); err == nil {
		t.Error("a disabled user signs in")
	}
}

func TestUserWithoutPasswordCannotSignIn(t *testing.T) {
	a := openAccounts(t, t.TempDir(), Options{})
	if err := a.AddUser(t.Context(), User{Name: "robot", Role: policy.Technologist}, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := a.SignIn(t.Context(), "robot", ""); !errors.Is(err, ErrSignIn) {
		t.Error(err)
	}
}

func TestWrongUsersAreRefused(t *testing.T) {
	a := openAccounts(t, t.TempDir(), Options{})
	for _, u := range []User{{}, {Name: "x"}, {Name: "x", Role: "root"}, {Name: "../x", Role: policy.Auditor}} {
		if a.AddUser(t.Context(), u, "") == nil {
			t.Errorf("%+v is taken", u)
		}
	}
	if a.AddUser(t.Context(), User{Name: "x", Role: policy.Auditor}, "short") == nil {
		t.Error("a short password is taken")
	}
	if err := a.AddUser(t.Context(), User{Name: "x", Role: policy.Auditor}, ""); err != nil {
		t.Fatal(err)
	}
	if err := a.AddUser(t.Context(), User{Name: "x", Role: policy.Auditor}, ""); !errors.Is(err, ErrUserExists) {
		t.Error(err)
	}
	if err := a.SetDisabled(t.Context(), "y", true); !errors.Is(err, ErrNoUser) {
		t.Error(err)
	}
	if got := a.Users(); len(got) != 1 || got[0].Name != "x" {
		t.Errorf("%+v", got)
	}
}

func TestPasswordsAreHashedWithTheParametersWritten(t *testing.T) {
	h := hashPassword("correct horse")
	if !strings.HasPrefix(h, "$argon2id$v=19$m=65536,t=3,p=4$") || h == hashPassword("correct horse") {
		t.Error(h)
	}
	if !verifyPassword(h, "correct horse") || verifyPassword(h, "correct hors") {
		t.Error("the hash does not verify")
	}
	for _, bad := range []string{"", "$argon2id$v=19$m=1,t=0,p=0$AAAA$AAAA", "$argon2i$v=19$m=65536,t=3,p=4$A$A", "x$$$$$"} {
		if _, _, _, _, _, ok := parseHash(bad); ok {
			t.Errorf("%q is a hash", bad)
		}
	}
}

func TestAccountsFollowAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	server := openAccounts(t, dir, Options{Poll: 5 * time.Millisecond})
	admin := openAccounts(t, dir, Options{})
	if err := admin.AddUser(t.Context(), User{Name: "erika", Role: policy.Radiologist}, ""); err != nil {
		t.Fatal(err)
	}
	secret, token, err := admin.CreateToken(t.Context(), "erika", 0)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { _, _, err := server.AuthenticateToken(secret); return err == nil })
	old, err := os.ReadFile(filepath.Join(dir, folder, usersFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.RevokeToken(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { _, _, err := server.AuthenticateToken(secret); return err != nil })
	// An old file does not undo the revocation.
	if err := os.WriteFile(filepath.Join(dir, folder, usersFile), old, 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if _, _, err := server.AuthenticateToken(secret); err == nil {
		t.Error("an old file undid a revocation")
	}
	if err := admin.SetDisabled(t.Context(), "erika", true); !errors.Is(err, errOlderAccounts) {
		t.Error("an old file is built upon:", err)
	}
}

func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within two seconds")
		}
	}
}

func TestFailuresLimitTheSourceAlone(t *testing.T) {
	now := time.Unix(1e9, 0)
	f := NewFailures(3, time.Second, func() time.Time { return now })
	for i := range 3 {
		if !f.Count("a") {
			t.Fatal(i)
		}
	}
	if f.Count("a") {
		t.Error("a fourth failure is within the limit")
	}
	if !f.Count("b") {
		t.Error("another source suffers")
	}
	now = now.Add(time.Second)
	if !f.Count("a") || f.Count("a") {
		t.Error("one failure a second is forgotten, no more")
	}
	for i := range 2 * maxFailureKeys {
		f.Count(string(rune(i + 0x100)))
	}
	if len(f.until) > maxFailureKeys {
		t.Error(len(f.until), "keys")
	}
}
