// Package peers starts the programs of others that the archive talks to: DCMTK,
// Orthanc, stunnel, each with storage of its own, on free ports, ended with the
// test. Only tests and bench import it. DCMTK's and Orthanc's DICOM listeners
// cannot be bound to one address: they listen on all of them for as long as a
// test takes, on a port that the system chose, and Orthanc answers only the
// modalities it was told of.
package peers
