// Package durable writes files so that they survive a crash or a loss of power:
// file and directory are synced before anything is called done. The file system
// lies behind the interface FS, so that tests can make any call fail and can
// drop what was not synced; package durabletest has such file systems.
//
// An error of Sync is final: what the kernel could not write is lost, and
// asking again may answer success. Callers stop, they never retry.
package durable
