package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// lineReader yields the lines of an NDJSON file with their numbers, holding one line at a time.
type lineReader struct {
	r    *bufio.Reader
	buf  []byte
	line int // number of the line last returned, from 1
	max  int
}

var errLineTooLong = errors.New("the line is longer than the limit")

func newLineReader(r io.Reader, limit int) *lineReader {
	return &lineReader{r: bufio.NewReaderSize(r, 256<<10), max: limit}
}

// next returns the next line that is not blank; it is valid until the following call. io.EOF ends the file. After errLineTooLong the
// reader stands behind that line.
func (l *lineReader) next() ([]byte, error) {
	for {
		line, err := l.read()
		if err != nil {
			return nil, err
		}
		if l.line == 1 {
			line = bytes.TrimPrefix(line, utf8BOM)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

func (l *lineReader) read() ([]byte, error) {
	l.buf = l.buf[:0]
	got, long := false, false
	for {
		part, err := l.r.ReadSlice('\n')
		got = got || len(part) > 0
		if long = long || len(l.buf)+len(part) > l.max; !long {
			l.buf = append(l.buf, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && !got:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("read: %w", err)
		}
		l.line++
		if long {
			return nil, errLineTooLong
		}
		return l.buf, nil
	}
}

// eachLine calls f with every line of a file that is not blank. A line over the limit reaches f as nil.
func eachLine(path string, limit int, f func(number int, line []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer file.Close()
	lines := newLineReader(file, limit)
	for {
		line, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errLineTooLong):
			line = nil
		case err != nil:
			return err
		}
		if err := f(lines.line, line); err != nil {
			return err
		}
	}
}
