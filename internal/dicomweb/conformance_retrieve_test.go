package dicomweb_test

import (
	"fmt"

	"github.com/tresor-pacs/tresor/dicom"
	"github.com/tresor-pacs/tresor/dicom/dict"
	"github.com/tresor-pacs/tresor/dicom/encoding"
)

const (
	dicomParts = `multipart/related; type="application/dicom"`
	byteParts  = `multipart/related; type="application/octet-stream"`
	jpegParts  = `multipart/related; type="image/jpeg"`
	pngType    = "image/png"
)

var explicitLE = encoding.ExplicitLE.UID

// PS3.18 section 10.4.
var retrieveRules = []rule{
	{where: "PS3.18 table 10.4.1-1", what: "study", path: studyURL, accept: dicomParts, check: partsAre("application/dicom", 3)},
	{where: "PS3.18 table 10.4.1-1", what: "series", path: seriesURL, accept: dicomParts, check: partsAre("application/dicom", 2)},
	{where: "PS3.18 table 10.4.1-1", what: "instance", path: instanceURL, accept: dicomParts, check: partsAre("application/dicom", 1)},
	{where: "PS3.18 section 10.4.4", what: "instance alone", path: instanceURL, accept: "application/dicom", check: fileIs(explicitLE), orthanc: "it answers in parts only"},
	{where: "PS3.18 section 8.7.3.5.2", what: "the default transfer syntax", path: instanceURL, accept: "application/dicom", check: fileIs(explicitLE), orthanc: "it answers in parts only"},
	{where: "PS3.18 section 8.7.3.5.2", what: "any transfer syntax", path: instanceURL, accept: `multipart/related; type="application/dicom"; transfer-syntax=*`, check: partsAre("application/dicom", 1)},
	{where: "PS3.18 section 10.4.4", what: "several instances do not come alone", path: studyURL, accept: "application/dicom", status: []int{406}, orthanc: "it answers 400"},
	{where: "PS3.18 section 8.6.1.3", what: "zip", path: studyURL, accept: "application/zip", check: typeIs("application/zip"), orthanc: "its release is older than the media type"},
	{where: "PS3.18 table 10.4.1-2", what: "study metadata", path: studyURL + "/metadata", accept: jsonType, check: rowsAre(3, dict.SOPInstanceUID, dict.Rows, dict.PatientName)},
	{where: "PS3.18 table 10.4.1-2", what: "series metadata", path: seriesURL + "/metadata", accept: jsonType, check: rowsAre(2, dict.SOPInstanceUID)},
	{where: "PS3.18 table 10.4.1-2", what: "instance metadata", path: instanceURL + "/metadata", accept: jsonType, check: rowsAre(1, dict.SOPInstanceUID)},
	{where: "PS3.18 section 10.4.4", what: "metadata in JSON by default", path: seriesURL + "/metadata", accept: "*/*", check: rowsAre(2)},
	{where: "PS3.18 section 10.4.4", what: "metadata in XML", path: seriesURL + "/metadata", accept: xmlParts, check: partsAre("application/dicom+xml", 2)},
	{where: "PS3.18 table 10.4.1-5", what: "the bulk data that metadata names", path: instanceURL + "/metadata", accept: jsonType, check: bulkFollowed},
	{where: "PS3.18 table 10.4.1-5", what: "study bulk data", path: studyURL + "/bulkdata", accept: byteParts, check: partsAre("application/octet-stream", 3), orthanc: "its release is older than the resource, which is optional"},
	{where: "PS3.18 table 10.4.1-5", what: "series bulk data", path: seriesURL + "/bulkdata", accept: byteParts, check: partsAre("application/octet-stream", 2), orthanc: "its release is older than the resource, which is optional"},
	{where: "PS3.18 table 10.4.1-5", what: "instance bulk data", path: instanceURL + "/bulkdata", accept: byteParts, check: partsAre("application/octet-stream", 1), orthanc: "its release is older than the resource, which is optional"},
	{where: "PS3.18 table 10.4.1-6", what: "study pixel data", path: studyURL + "/pixeldata", accept: byteParts, check: partsAre("application/octet-stream", 3), orthanc: "its release is older than the resource, which is optional"},
	{where: "PS3.18 table 10.4.1-6", what: "series pixel data", path: seriesURL + "/pixeldata", accept: byteParts, check: partsAre("application/octet-stream", 2), orthanc: "its release is older than the resource, which is optional"},
	{where: "PS3.18 table 10.4.1-6", what: "instance pixel data", path: instanceURL + "/pixeldata", accept: byteParts, check: partsAre("application/octet-stream", 1), orthanc: "its release is older than the resource, which is optional"},
	{where: "PS3.18 table 10.4.1-6", what: "a frame", path: framesURL + "/frames/2", accept: byteParts, check: partsAre("application/octet-stream", 1)},
	{where: "PS3.18 table 10.4.1-6", what: "a list of frames", path: framesURL + "/frames/3,1", accept: byteParts, check: framesAre(3, 1)},
	{where: "PS3.18 section 10.4.4", what: "a frame alone", path: framesURL + "/frames/2", accept: "application/octet-stream", check: typeIs("application/octet-stream"), orthanc: "it answers in parts only"},
	{where: "PS3.18 section 10.4.3.1", what: "a frame that is not there", path: framesURL + "/frames/4", accept: byteParts, status: []int{404}, orthanc: "it answers 400"},
	{where: "PS3.18 section 10.4.3.1", what: "a frame of number 0", path: framesURL + "/frames/0", accept: byteParts, status: []int{400}},
	{where: "PS3.18 section 10.4.3.1", what: "a study that is not there", path: "/studies/1.2.3.4.5.6.7", accept: dicomParts, status: []int{404}},
	{where: "PS3.18 section 10.4.3.1", what: "a series that is not there", path: studyURL + "/series/1.2.3.4.5.6.7", accept: dicomParts, status: []int{404}},
	{where: "PS3.18 section 10.4.3.1", what: "an instance that is not there", path: seriesURL + "/instances/1.2.3.4.5.6.7", accept: dicomParts, status: []int{404}},
	{where: "PS3.18 section 10.4.3.1", what: "an instance of another study", path: "/studies/" + otherStudy + "/series/" + ruleSeries + "/instances/" + ruleInstance, accept: dicomParts, status: []int{404}},
	{where: "PS3.18 section 10.4.3.1", what: "metadata of what is not there", path: "/studies/1.2.3.4.5.6.7/metadata", accept: jsonType, status: []int{404}},
	{where: "PS3.18 section 10.4.3.1", what: "no acceptable media type", path: instanceURL, accept: "text/csv", status: []int{406}, orthanc: "it answers 400"},
}

// bulkFollowed fetches the pixel data that metadata refers to.
func bulkFollowed(s *subject, r *reply) error {
	list, err := ruleRows(r)
	if err != nil || len(list) != 1 {
		return fmt.Errorf("%d rows, %v", len(list), err)
	}
	url := list[0][dict.PixelData.Hex()].BulkDataURI
	got, err := s.follow(url, byteParts)
	if err != nil {
		return err
	}
	parts, err := ruleParts(got, "application/octet-stream")
	if err != nil || len(parts) != 1 || len(parts[0].body) != 2*48*64 {
		return fmt.Errorf("%s: %d parts, %v", url, len(parts), err)
	}
	return nil
}

// framesAre requires the frames of those numbers, all of whose pixels are alike.
func framesAre(numbers ...int) func(*subject, *reply) error {
	return func(_ *subject, r *reply) error {
		parts, err := ruleParts(r, "application/octet-stream")
		if err != nil || len(parts) != len(numbers) {
			return fmt.Errorf("%d parts, %v", len(parts), err)
		}
		for i, n := range numbers {
			if b := parts[i].body; len(b) != 2*48*64 || int(b[0])|int(b[1])<<8 != 400*n {
				return fmt.Errorf("part %d is another frame", i+1)
			}
		}
		return nil
	}
}

// PS3.18 sections 8.3.5, 8.7.4 and 10.4.1.1.3 and 4.
var renderedRules = []rule{
	{where: "PS3.18 table 10.4.1-3", what: "rendered study", path: studyURL + "/rendered", accept: jpegParts, check: partsAre("image/jpeg", 5), orthanc: "it renders instances and frames only"},
	{where: "PS3.18 table 10.4.1-3", what: "rendered series", path: seriesURL + "/rendered", accept: jpegParts, check: partsAre("image/jpeg", 2), orthanc: "it renders instances and frames only"},
	{where: "PS3.18 table 10.4.1-3", what: "rendered instance", path: instanceURL + "/rendered", accept: "image/jpeg", check: pictureIs("image/jpeg", 64, 48)},
	{where: "PS3.18 table 10.4.1-3", what: "rendered frame", path: framesURL + "/frames/2/rendered", accept: "image/jpeg", check: pictureIs("image/jpeg", 64, 48)},
	{where: "PS3.18 table 10.4.1-3", what: "rendered frames", path: framesURL + "/frames/2,3/rendered", accept: jpegParts, check: partsAre("image/jpeg", 2), orthanc: "it renders one frame at a time"},
	{where: "PS3.18 section 10.4.4", what: "a rendered study does not come alone", path: studyURL + "/rendered", accept: "image/jpeg", status: []int{406}, orthanc: "it answers one picture"},
	{where: "PS3.18 table 8.7.4-1", what: "image/jpeg by default", path: instanceURL + "/rendered", accept: "*/*", check: pictureIs("image/jpeg", 64, 48)},
	{where: "PS3.18 table 8.7.4-1", what: "image/png", path: instanceURL + "/rendered", accept: pngType, check: pictureIs(pngType, 64, 48)},
	{where: "PS3.18 table 8.7.4-1", what: "image/gif", path: instanceURL + "/rendered", accept: "image/gif", check: pictureIs("image/gif", 64, 48), orthanc: "it makes JPEG and PNG only"},
	{where: "PS3.18 section 8.7.5", what: "no acceptable rendered media type", path: instanceURL + "/rendered", accept: "audio/basic", status: []int{406}, orthanc: "it answers 400"},
	{where: "PS3.18 section 8.3.3.1", what: "accept in the query", path: instanceURL + "/rendered?accept=image/png", accept: "image/jpeg", check: typeIs(pngType), orthanc: "it does not look at accept in the query"},
	{where: "PS3.18 section 8.3.5.1.1", what: "annotation of patient and technique", path: instanceURL + "/rendered?annotation=patient,technique", accept: pngType, check: pictureIs(pngType, 64, 48)},
	{where: "PS3.18 section 8.3.5.1.1", what: "annotation of something else", path: instanceURL + "/rendered?annotation=weather", accept: pngType, status: []int{400}, orthanc: "it does not look at annotation"},
	{where: "PS3.18 section 8.3.5.1.2", what: "quality", path: instanceURL + "/rendered?quality=10", accept: "image/jpeg", check: pictureIs("image/jpeg", 64, 48)},
	{where: "PS3.18 section 8.3.5.1.2", what: "quality of 0", path: instanceURL + "/rendered?quality=0", accept: "image/jpeg", status: []int{400}},
	{where: "PS3.18 section 8.3.5.1.2", what: "quality of 101", path: instanceURL + "/rendered?quality=101", accept: "image/jpeg", status: []int{400}},
	{where: "PS3.18 section 8.3.5.1.3", what: "a smaller viewport", path: instanceURL + "/rendered?viewport=32,32", accept: pngType, check: pictureIs(pngType, 32, 24), orthanc: "it answers the viewport with a border"},
	{where: "PS3.18 section 8.3.5.1.3", what: "a larger viewport", path: instanceURL + "/rendered?viewport=128,128", accept: pngType, check: pictureIs(pngType, 128, 96), orthanc: "it answers the viewport with a border"},
	{where: "PS3.18 section 8.3.5.1.3", what: "a region in the viewport", path: instanceURL + "/rendered?viewport=32,24,32,24,32,24", accept: pngType, check: pictureIs(pngType, 32, 24)},
	{where: "PS3.18 section 8.3.5.1.3", what: "a region with values left out", path: instanceURL + "/rendered?viewport=32,24,,,32,24", accept: pngType, check: pictureIs(pngType, 32, 24)},
	{where: "PS3.18 section 8.3.5.1.3", what: "no viewport: the size of the image", path: instanceURL + "/rendered", accept: pngType, check: pictureIs(pngType, 64, 48)},
	{where: "PS3.18 section 8.3.5.1.3", what: "half a viewport", path: instanceURL + "/rendered?viewport=32", accept: pngType, status: []int{400}},
	{where: "PS3.18 section 8.3.5.1.4", what: "window", path: instanceURL + "/rendered?window=1000,2000,linear", accept: pngType, check: pictureIs(pngType, 64, 48)},
	{where: "PS3.18 section 8.3.5.1.4", what: "window of linear-exact", path: instanceURL + "/rendered?window=1000,2000,linear-exact", accept: pngType, check: pictureIs(pngType, 64, 48)},
	{where: "PS3.18 section 8.3.5.1.4", what: "window of sigmoid", path: instanceURL + "/rendered?window=1000,2000,sigmoid", accept: pngType, check: pictureIs(pngType, 64, 48)},
	{where: "PS3.18 section 8.3.5.1.4", what: "window without a function", path: instanceURL + "/rendered?window=1000,2000", accept: pngType, status: []int{400}},
	{where: "PS3.18 section 8.3.5.1.4", what: "window of another function", path: instanceURL + "/rendered?window=1000,2000,cubic", accept: pngType, status: []int{400}},
	{where: "PS3.18 section 8.3.5.1.5", what: "no ICC profile", path: instanceURL + "/rendered?iccprofile=no", accept: pngType, check: pictureIs(pngType, 64, 48)},
	{where: "PS3.18 table 10.4.1-4", what: "study thumbnail", path: studyURL + "/thumbnail", accept: "image/jpeg", check: typeIs("image/jpeg"), orthanc: "it has no thumbnails, which are optional"},
	{where: "PS3.18 table 10.4.1-4", what: "series thumbnail", path: seriesURL + "/thumbnail", accept: "image/jpeg", check: typeIs("image/jpeg"), orthanc: "it has no thumbnails, which are optional"},
	{where: "PS3.18 table 10.4.1-4", what: "instance thumbnail", path: instanceURL + "/thumbnail", accept: "image/jpeg", check: typeIs("image/jpeg"), orthanc: "it has no thumbnails, which are optional"},
	{where: "PS3.18 table 10.4.1-4", what: "frame thumbnail", path: framesURL + "/frames/2/thumbnail", accept: "image/jpeg", check: typeIs("image/jpeg"), orthanc: "it has no thumbnails, which are optional"},
	{where: "PS3.18 table 8.3.5-2", what: "viewport of a thumbnail", path: instanceURL + "/thumbnail?viewport=16,16", accept: pngType, check: pictureIs(pngType, 16, 12), orthanc: "it has no thumbnails, which are optional"},
	{where: "PS3.18 section 8.3.5.1.3", what: "a region of a thumbnail", path: instanceURL + "/thumbnail?viewport=16,16,0,0,8,8", accept: pngType, status: []int{400}, orthanc: "it has no thumbnails, which are optional"},
	{where: "PS3.18 section 10.4.3.1", what: "rendering what is not there", path: seriesURL + "/instances/1.2.3.4.5/rendered", accept: pngType, status: []int{404}},
}

// PS3.18 chapter 9. The service lies beside that of DICOMweb in Orthanc.
var uriRules = []rule{
	{where: "PS3.18 section 9.3", what: "image/jpeg by default", path: uriOf(""), accept: "*/*", check: pictureIs("image/jpeg", 64, 48), orthanc: otherPath},
	{where: "PS3.18 section 9.4", what: "a file", path: uriOf("&contentType=application/dicom"), accept: "*/*", check: fileIs(explicitLE), orthanc: otherPath},
	{where: "PS3.18 section 9.4.2.4", what: "a file in a transfer syntax", path: uriOf("&contentType=application/dicom&transferSyntax=" + string(encoding.ImplicitLE.UID)), check: fileIs(encoding.ImplicitLE.UID), orthanc: otherPath},
	{where: "PS3.18 section 9.4.2.1", what: "no request type", path: "/wado?studyUID=" + ruleStudy + "&seriesUID=" + ruleSeries + "&objectUID=" + ruleInstance, status: []int{400}, orthanc: otherPath},
	{where: "PS3.18 section 9.4.2.2", what: "no instance", path: "/wado?requestType=WADO&studyUID=" + ruleStudy + "&seriesUID=" + ruleSeries, status: []int{400}, orthanc: otherPath},
	{where: "PS3.18 section 9.5", what: "image/png", path: uriOf("&contentType=image/png"), check: pictureIs(pngType, 64, 48), orthanc: otherPath},
	{where: "PS3.18 section 9.5.1.2.4", what: "rows and columns", path: uriOf("&contentType=image/png&rows=24&columns=32"), check: pictureIs(pngType, 32, 24), orthanc: otherPath},
	{where: "PS3.18 section 9.5.1.2.5", what: "region", path: uriOf("&contentType=image/png&region=0.0,0.0,0.5,0.5"), check: pictureIs(pngType, 32, 24), orthanc: otherPath},
	{where: "PS3.18 section 9.5.2.1", what: "a frame of an instance of one", path: uriOf("&frameNumber=2"), status: []int{400}, orthanc: otherPath},
	{where: "PS3.18 section 9.5.2.2", what: "half a window", path: uriOf("&windowCenter=1"), status: []int{400}, orthanc: otherPath},
	{where: "PS3.18 section 9.4.3.1", what: "not found", path: "/wado?requestType=WADO&studyUID=1.2&seriesUID=1.2&objectUID=1.2", status: []int{404}},
}

const otherPath = "its URI service lies at another path, outside of the root"

func uriOf(more string) string {
	return "/wado?requestType=WADO&studyUID=" + ruleStudy + "&seriesUID=" + ruleSeries + "&objectUID=" + string(dicom.UID(ruleInstance)) + more
}
