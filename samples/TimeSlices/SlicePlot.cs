using System.Globalization;
using System.Text;

namespace TimeSlices;

/// <summary>A picture (SVG) of who ran when: a row for each process, a box for each stretch, the shares beside it.</summary>
internal static class SlicePlot
{
    private const int Left = 110;
    private const int Right = 190;
    private const int Width = 1000;
    private const int Row = 34;
    private const int Top = 46;

    /// <param name="recording">What was measured.</param>
    /// <param name="window">How much of it is drawn, in microseconds from the start.</param>
    /// <param name="title">The heading.</param>
    public static string Draw(Recording recording, int window, string title)
    {
        int processes = recording.Totals.Count;
        int height = Top + (processes * Row) + 40;
        long sum = Math.Max(recording.Totals.Sum(t => t.Time), 1);
        var svg = new StringBuilder();
        Line(svg, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{Left + Width + Right}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">");
        Line(svg, $"<rect width=\"100%\" height=\"100%\" fill=\"white\"/>");
        Line(svg, $"<text x=\"{Left}\" y=\"22\" font-size=\"16\">{title}</text>");
        for (int i = 0; i <= 10; i++)
        {
            int x = Left + (Width * i / 10);
            Line(svg, $"<line x1=\"{x}\" y1=\"{Top - 8}\" x2=\"{x}\" y2=\"{height - 32}\" stroke=\"#ddd\"/>");
            Line(svg, $"<text x=\"{x}\" y=\"{height - 14}\" text-anchor=\"middle\">{window / 1000.0 * i / 10:0.#} ms</text>");
        }

        foreach (Total total in recording.Totals)
        {
            int y = Top + (total.Process * Row);
            Line(svg, $"<text x=\"{Left - 10}\" y=\"{y + 17}\" text-anchor=\"end\">nice {total.Nice}</text>");
            Line(svg, $"<text x=\"{Left + Width + 10}\" y=\"{y + 17}\">{100.0 * total.Time / sum:0.0} % ({total.Time / 1000} ms)</text>");
        }

        foreach (Stretch stretch in recording.Stretches)
        {
            if (stretch.Start >= window)
                continue;
            double x = Left + ((double)stretch.Start / window * Width);
            double width = Math.Max((double)(Math.Min(stretch.End, window) - stretch.Start) / window * Width, 0.4);
            Line(svg, $"<rect x=\"{x:0.##}\" y=\"{Top + (stretch.Process * Row)}\" width=\"{width:0.##}\" height=\"{Row - 10}\" fill=\"hsl({stretch.Process * 67 % 360},60%,50%)\"/>");
        }

        Line(svg, $"</svg>");
        return svg.ToString();
    }

    private static void Line(StringBuilder svg, FormattableString line) => svg.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
