package ul

// appendReleaseRQ appends an A-RELEASE-RQ PDU (PS3.8 section 9.3.6).
func appendReleaseRQ(dst []byte) []byte { return appendShort(dst, PDUReleaseRQ, 0, 0, 0) }

// appendReleaseRP appends an A-RELEASE-RP PDU (PS3.8 section 9.3.7).
func appendReleaseRP(dst []byte) []byte { return appendShort(dst, PDUReleaseRP, 0, 0, 0) }
