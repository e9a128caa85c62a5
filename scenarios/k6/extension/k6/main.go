// The program k6 with the extension k6/x/weir, the same that xk6 makes.
package main

import (
	"go.k6.io/k6/cmd"

	_ "weirbench.internal/k6"
)

func main() {
	cmd.Execute()
}
