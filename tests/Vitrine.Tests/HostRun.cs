using System.Diagnostics;

namespace Vitrine.Tests;

/// <summary>A program run on the host: the judge of what the machine does.</summary>
internal sealed record HostRun(int Status, byte[] Output, string Error)
{
    /// <summary>Runs a program with a clean environment and returns its shell status (128 + signal if one ended it).</summary>
    public static HostRun Of(string program, IEnumerable<string> arguments, string? workingDirectory = null, byte[]? input = null, TimeSpan? limit = null)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? Repository.Root,
        };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        string path = Environment.GetEnvironmentVariable("PATH") ?? "";
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        start.Environment["VITRINE_AUDIT"] = "1";
        start.Environment[TestedEngine.Variable] = Environment.GetEnvironmentVariable(TestedEngine.Variable);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("cannot start " + program);
        Task<string> error = process.StandardError.ReadToEndAsync();
        var output = new MemoryStream();
        Task copying = process.StandardOutput.BaseStream.CopyToAsync(output);
        if (input is not null)
            process.StandardInput.BaseStream.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(limit ?? TimeSpan.FromSeconds(180)))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} did not end on the host");
        }

        copying.GetAwaiter().GetResult();
        return new HostRun(process.ExitCode, output.ToArray(), error.GetAwaiter().GetResult());
    }

    public static bool Has(string program)
    {
        foreach (string directory in (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin").Split(':'))
        {
            if (File.Exists(Path.Combine(directory, program)))
                return true;
        }

        return false;
    }
}
