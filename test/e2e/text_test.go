package e2e

import "strings"

// firstDocument cuts a kubectl List down to about its first item.
func firstDocument(text string) string {
	if at := strings.Index(text, "\n- apiVersion"); at >= 0 {
		text = text[at+1:]
		if next := strings.Index(text[1:], "\n- apiVersion"); next >= 0 {
			text = text[:next+1]
		}
	}
	return text
}

func lastLines(text string, count int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > count {
		lines = lines[len(lines)-count:]
	}
	return strings.Join(lines, "\n")
}

// normal drops what means the same as nothing: KEDA writes ScaledObjects
// back whole and leaves such values behind, or drops them.
func normal(value any) any {
	switch value := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, entry := range value {
			if entry = normal(entry); entry != nil {
				out[key] = entry
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		if len(value) == 0 {
			return nil
		}
		out := make([]any, len(value))
		for i, entry := range value {
			out[i] = normal(entry)
		}
		return out
	case string:
		if value == "" {
			return nil
		}
	case bool:
		if !value {
			return nil
		}
	}
	return value
}
