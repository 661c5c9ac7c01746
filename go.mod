module github.com/tresor-pacs/tresor

go 1.26
