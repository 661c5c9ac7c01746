package server

import (
	"context"
	"errors"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/internal/archive"
)

// sharePath is where the links of access.Share lead.
const sharePath = "/share/"

// ShareLink returns the link for the secret of a share of a data folder's archive.
func ShareLink(dir, secret string) (string, error) {
	c, err := LoadConfig(dir, "")
	if err != nil {
		return "", err
	}
	return shareURL(RunningAddresses(dir, c).HTTPS, c.Names, secret), nil
}

func shareURL(https string, names []string, secret string) string {
	return baseURL(https, names) + sharePath + secret
}

// BirthDateOf returns the birth date of the one patient whose studies these are,
// as YYYYMMDD; "" if it is not known. All of them have to be here.
func BirthDateOf(ctx context.Context, dir string, studies []dicom.UID) (birth string, err error) {
	r, err := openReading(ctx, dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return birthDateOf(ctx, r.session(), studies)
}

func birthDateOf(ctx context.Context, s *archive.Session, studies []dicom.UID) (birth string, err error) {
	patient := ""
	for i, study := range studies {
		found := false
		for f, err := range s.Facts(ctx, study) {
			if err != nil {
				return "", err
			}
			found = true
			one := ""
			if !f.Birth.IsZero() {
				one = f.Birth.Format("20060102")
			}
			if i > 0 && (f.Patient != patient || one != birth) {
				return "", errors.New("the studies are of more than one patient: share each patient's by itself")
			}
			patient, birth = f.Patient, one
		}
		if !found {
			return "", archive.ErrNotFound
		}
	}
	return birth, nil
}
