// Package access keeps what is decided about principals and studies while the
// archive runs: emergency access and its reviews, budgets and pauses, share
// links, erasures, legal holds, and what was decided about quarantined
// instances. It is the archive's Guard.
//
// The state is one sealed file that the server and the command line share: a
// change is durable when a method returns, in force in this process at once and
// in others within a second. Who may decide what, package policy says; each
// decision is in the trail before it is in force.
//
// The package touches no stores: what has to be done to studies, the archive
// does through a Session.
package access
