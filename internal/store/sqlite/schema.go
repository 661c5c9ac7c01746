package sqlite

import (
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
)

// migrations bring a catalog from one version of the schema to the next: the
// number of those applied is kept in the file's user_version. They are never
// changed once released; a new version appends one.
var migrations = []string{
	// A patient is an ID and its issuer; without an ID, each study has its own.
	// An identity is a patient as a study named it: the patient level's record.
	// Records are those of package match.
	`CREATE TABLE patient (
		id INTEGER PRIMARY KEY,
		pid TEXT, -- NULL if the study has none
		issuer TEXT NOT NULL,
		collision INTEGER NOT NULL DEFAULT 0, -- identities differ in name or birth date
		UNIQUE (pid, issuer));
	CREATE TABLE identity (
		id INTEGER PRIMARY KEY,
		patient INTEGER NOT NULL,
		birth TEXT,
		record BLOB NOT NULL);
	CREATE INDEX identity_patient ON identity (patient);
	CREATE INDEX identity_birth ON identity (birth);
	CREATE TABLE study (
		id INTEGER PRIMARY KEY,
		uid TEXT NOT NULL UNIQUE,
		patient INTEGER NOT NULL,
		identity INTEGER NOT NULL,
		date TEXT, -- YYYYMMDD, NULL if it is none
		accession TEXT,
		study_id TEXT,
		record BLOB NOT NULL);
	CREATE INDEX study_patient ON study (patient);
	CREATE INDEX study_identity ON study (identity);
	CREATE INDEX study_date ON study (date);
	CREATE INDEX study_accession ON study (accession);
	CREATE INDEX study_study_id ON study (study_id);
	CREATE TABLE series (
		id INTEGER PRIMARY KEY,
		study INTEGER NOT NULL,
		uid TEXT NOT NULL,
		modality TEXT,
		institution TEXT,
		department TEXT,
		source TEXT NOT NULL,
		instances INTEGER NOT NULL,
		record BLOB NOT NULL,
		UNIQUE (uid, study)); -- a peer cannot take a series over by using its UID in another study
	CREATE INDEX series_study ON series (study);
	CREATE INDEX series_modality ON series (modality, study);
	CREATE TABLE series_class (
		series INTEGER NOT NULL,
		class INTEGER NOT NULL,
		PRIMARY KEY (series, class)) WITHOUT ROWID;
	-- What many instances share: SOP classes, transfer syntaxes, sources.
	CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
	CREATE TABLE instance (
		id INTEGER PRIMARY KEY,
		series INTEGER NOT NULL,
		uid TEXT NOT NULL UNIQUE,
		number INTEGER,
		class INTEGER NOT NULL,
		syntax INTEGER NOT NULL,
		source INTEGER NOT NULL,
		length INTEGER NOT NULL,
		sha256 BLOB NOT NULL,
		location TEXT NOT NULL,
		record BLOB NOT NULL);
	CREATE INDEX instance_series ON instance (series, number);
	-- Names, folded, a row for each component group: of identities (PatientName)
	-- and of studies (ReferringPhysicianName).
	CREATE TABLE name (
		tag INTEGER NOT NULL,
		fold TEXT NOT NULL,
		owner INTEGER NOT NULL,
		PRIMARY KEY (tag, fold, owner)) WITHOUT ROWID;
	CREATE INDEX name_owner ON name (owner, tag);
	-- Three characters in a row of these names, by the number of their owner.
	CREATE VIRTUAL TABLE patient_gram USING fts5(fold, content='', contentless_delete=1,
		detail='none', tokenize='trigram case_sensitive 1');
	CREATE VIRTUAL TABLE referring_gram USING fts5(fold, content='', contentless_delete=1,
		detail='none', tokenize='trigram case_sensitive 1');
	-- The keys of fuzzy matching, of identities.
	CREATE TABLE sound (word TEXT NOT NULL, owner INTEGER NOT NULL, PRIMARY KEY (word, owner)) WITHOUT ROWID;
	CREATE INDEX sound_owner ON sound (owner);
	CREATE TABLE quarantine (
		id INTEGER PRIMARY KEY,
		location TEXT NOT NULL UNIQUE,
		patient TEXT NOT NULL,
		study TEXT NOT NULL,
		series TEXT NOT NULL,
		instance TEXT NOT NULL,
		class TEXT NOT NULL,
		syntax TEXT NOT NULL,
		source TEXT NOT NULL,
		length INTEGER NOT NULL,
		sha256 BLOB NOT NULL,
		received INTEGER NOT NULL); -- microseconds since 1970
	CREATE TABLE mark (one INTEGER PRIMARY KEY CHECK (one = 1), mark TEXT NOT NULL);`,
	// What has been sent before under a UID that is taken is looked up for each
	// newcomer.
	`CREATE INDEX quarantine_instance ON quarantine (instance);`,
	// A search under a scope walks what lies in it, in order of the studies,
	// and does not pass by what lies outside.
	`CREATE INDEX series_institution ON series (institution, study);
	CREATE INDEX series_department ON series (department, study);
	CREATE INDEX series_source ON series (source, study);`,
}

// tables lists all tables but the virtual ones.
var tables = []string{"patient", "identity", "study", "series", "series_class", "word", "instance",
	"name", "sound", "quarantine", "mark"}

// grams are the virtual tables that find a name by what is inside of it.
var grams = map[dicom.Tag]string{
	dict.PatientName:            "patient_gram",
	dict.ReferringPhysicianName: "referring_gram",
}

// migrate brings the schema up to date, in one transaction.
func migrate(c *sqlite3.Conn, migrations []string) (err error) {
	version, err := userVersion(c)
	if err != nil {
		return err
	}
	if version > len(migrations) {
		return fmt.Errorf("the catalog has schema version %d, this program knows versions up to %d", version, len(migrations))
	}
	if version == len(migrations) {
		return nil
	}
	tx, err := c.BeginImmediate()
	if err != nil {
		return err
	}
	defer tx.End(&err)
	for _, m := range migrations[version:] {
		if err := c.Exec(m); err != nil {
			return fmt.Errorf("migrate the catalog: %w", err)
		}
	}
	return c.Exec(fmt.Sprintf("PRAGMA user_version = %d", len(migrations)))
}

func userVersion(c *sqlite3.Conn) (int, error) {
	stmt, _, err := c.Prepare("PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	defer stmt.Close()
	stmt.Step()
	return stmt.ColumnInt(0), stmt.Err()
}
