package dicom

import "log/slog"

// LogValue keeps the values of d, which are patient data, out of logs.
func (d *DataSet) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("elements", d.Len()))
}

// LogValue keeps the value of e, which may be patient data, out of logs.
func (e *Element) LogValue() slog.Value {
	if e == nil {
		return slog.Value{}
	}
	return slog.GroupValue(slog.String("tag", e.Tag.String()), slog.String("vr", e.VR.String()), slog.Int("bytes", len(e.Data)))
}
