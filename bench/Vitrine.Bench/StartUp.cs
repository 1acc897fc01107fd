using System.Globalization;

namespace Vitrine.Bench;

/// <summary>How long <c>vitrine do -- /bin/true</c> takes, against the program itself and against .NET's own start.</summary>
internal static class StartUp
{
    private const int Runs = 15;

    public static int Run()
    {
        string empty = Path.Combine(HostTools.Repository, "artifacts", "bin", "EmptyProgram", "release", "EmptyProgram.dll");
        if (!File.Exists(empty))
            throw new InvalidOperationException($"{empty} is missing: build the solution with -c Release first.");

        Timing host = Best("/bin/true");
        Timing dotnet = Best("dotnet", empty);
        Timing vitrine = Best(HostTools.Vitrine, "do", "--", "/bin/true");
        Console.WriteLine($"start-up of /bin/true, best of {Runs}");
        Print("the host", host);
        Print("an empty .NET program", dotnet);
        Print("vitrine do", vitrine);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{"above an empty one",-22} {(vitrine.Elapsed - dotnet.Elapsed) * 1000,8:f0} ms {(vitrine.Processor - dotnet.Processor) * 1000,8:f0} ms"));
        return 0;
    }

    private static void Print(string what, Timing t) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{what,-22} {t.Elapsed * 1000,8:f0} ms {t.Processor * 1000,8:f0} ms of processor time"));

    private static Timing Best(string program, params string[] arguments)
    {
        var best = new Timing(double.MaxValue, double.MaxValue);
        for (int i = 0; i < Runs; i++)
        {
            (int status, string _, string errors, Timing t) = HostTools.Run(program, arguments);
            if (status != 0)
                throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with status {status}: {errors}");
            best = new Timing(Math.Min(best.Elapsed, t.Elapsed), Math.Min(best.Processor, t.Processor));
        }

        return best;
    }
}
