module github.com/tresor-pacs/tresor/bench/parse

go 1.26.0

require (
	github.com/suyashkumar/dicom v1.1.0
	github.com/tresor-pacs/tresor v0.0.0
)

require (
	golang.org/x/exp v0.0.0-20240525044651-4c93da0ed11d // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/tresor-pacs/tresor => ../..
