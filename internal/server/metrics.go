package server

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tresor-pacs/tresor/internal/archive"
	"github.com/tresor-pacs/tresor/internal/audit"
	"github.com/tresor-pacs/tresor/internal/policy"
)

// metrics counts what the archive does, for Prometheus. They name devices and
// kinds of events; no user, no patient, no study.
type metrics struct {
	registry *prometheus.Registry
	events   *prometheus.CounterVec   // by code and outcome, as they are in the trail
	received *prometheus.CounterVec   // instances, by the kind of sender and outcome
	read     *prometheus.CounterVec   // bytes announced to be read, by the kind of reader
	append   prometheus.Histogram     // seconds until a record is durable
	requests *prometheus.HistogramVec // seconds for an HTTPS request, by part, method and status
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tresor_events_total",
			Help: "Events in the audit trail."}, []string{"event", "outcome"}),
		received: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tresor_instances_received_total",
			Help: "Instances that came in, refused ones too."}, []string{"from", "outcome"}),
		read: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tresor_read_bytes_total",
			Help: "Length of the instances that were given out to be read."}, []string{"to"}),
		append: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tresor_trail_append_seconds",
			Help: "Time until a record of the audit trail is durable.", Buckets: prometheus.ExponentialBuckets(0.0001, 4, 8)}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tresor_https_request_seconds",
			Help: "Time of HTTPS requests.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8)}, []string{"part", "method", "code"}),
	}
	m.registry.MustRegister(m.events, m.received, m.read, m.append, m.requests,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// gauge has a value read when Prometheus asks.
func (m *metrics) gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
}

// watch gives the registry what the server knows about itself.
func (m *metrics) watch(s *Server) {
	m.gauge("tresor_associations", "Connections with devices that are open.", func() float64 {
		s.dicom.mu.Lock()
		defer s.dicom.mu.Unlock()
		return float64(len(s.dicom.open))
	})
	m.gauge("tresor_disk_free_bytes", "Free space where the archive lies.", func() float64 {
		free, _ := diskSpace(s.dir)
		return float64(free)
	})
	m.gauge("tresor_jobs_waiting", "Work for later, such as commitment reports.", func() float64 { return float64(s.jobs.Len()) })
	m.gauge("tresor_ready", "1 while the archive accepts.", func() float64 {
		if s.ready.Load() {
			return 1
		}
		return 0
	})
	m.registry.MustRegister(deviceCollector{s})
}

// deviceCollector tells about each device: how long its certificate is good and
// when it was heard of.
type deviceCollector struct{ s *Server }

var (
	deviceEnds = prometheus.NewDesc("tresor_device_certificate_end_seconds",
		"When the device's certificate ends, in seconds since 1970.", []string{"device"}, nil)
	deviceHeard = prometheus.NewDesc("tresor_device_last_contact_seconds",
		"When the device was heard of last since the start, in seconds since 1970.", []string{"device"}, nil)
)

// Describe implements prometheus.Collector.
func (deviceCollector) Describe(to chan<- *prometheus.Desc) { to <- deviceEnds; to <- deviceHeard }

// Collect implements prometheus.Collector.
func (c deviceCollector) Collect(to chan<- prometheus.Metric) {
	for _, d := range c.s.data.identity.List() {
		state := c.s.deviceState(&d)
		for desc, at := range map[*prometheus.Desc]time.Time{deviceEnds: state.NotAfter, deviceHeard: state.LastContact} {
			if !at.IsZero() {
				to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(at.Unix()), d.Name)
			}
		}
	}
}

// counted is the trail with counters.
type counted struct {
	archive.Trail
	m *metrics
}

// Append implements archive.Trail.
func (c counted) Append(ctx context.Context, e audit.Event) (uint64, error) {
	began := time.Now()
	seq, err := c.Trail.Append(ctx, e)
	if err == nil {
		c.m.append.Observe(time.Since(began).Seconds())
		c.m.count(&e)
	}
	return seq, err
}

func (m *metrics) count(e *audit.Event) {
	outcome := e.Outcome.String()
	m.events.WithLabelValues(string(e.Code), outcome).Inc()
	kind := e.PrincipalKind
	if kind == "" {
		kind = string(policy.System)
	}
	switch {
	case e.Code == audit.InstancesTransferred && e.Action == audit.Create:
		m.received.WithLabelValues(kind, outcome).Inc()
	case e.Action == audit.Read && e.Bytes > 0:
		m.read.WithLabelValues(kind).Add(float64(e.Bytes))
	}
}

// timed measures the requests of one part of the HTTPS service.
func (m *metrics) timed(part string, next http.HandlerFunc) http.HandlerFunc {
	return promhttp.InstrumentHandlerDuration(m.requests.MustCurryWith(prometheus.Labels{"part": part}), next)
}

// listenMetrics opens the listener for Prometheus; nil if none is wanted.
func listenMetrics(address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", onLoopback(address))
	if err != nil {
		return nil, fmt.Errorf("listen for Prometheus: %w", err)
	}
	return l, nil
}

// onLoopback completes an address without a host.
func onLoopback(address string) string {
	if host, port, err := net.SplitHostPort(address); err == nil && host == "" {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// serve answers Prometheus until ctx ends.
func (m *metrics) serve(ctx context.Context, l net.Listener) error {
	if l == nil {
		<-ctx.Done()
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	return serveHTTPS(ctx, s, l, time.Second)
}
