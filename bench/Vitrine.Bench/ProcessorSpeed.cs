using System.Globalization;
using Vitrine.Cpu;

namespace Vitrine.Bench;

/// <summary>
/// Integer and floating-point programs of our own, run natively, under qemu-x86_64 if the host has it, translated and
/// interpreted; prints each one's ratio to native and the geometric means, all of processor time. qemu's processor has all
/// that it knows, as ours.
/// </summary>
internal static class ProcessorSpeed
{
    private const int NativeRuns = 5;
    private static readonly string[] Programs =
    [
        "sieve", "crc32", "nbody", "quicksort", "records", "matmul", "sha256", "lz", "deflate", "json", "regex", "bytecode", "rbtree",
    ];

    public static int Run(string[] chosen)
    {
        bool qemu = HostTools.Exists("qemu-x86_64");
        double qemuProduct = 1, translatorProduct = 1, interpreterProduct = 1;
        int count = 0;
        Console.WriteLine($"{"program",-10} {"native s",10} {"qemu",8} {"translator",11} {"interpreter",12} {"ns/insn",8}   (times native)");
        foreach (string name in chosen.Length == 0 ? Programs : chosen)
        {
            string program = HostTools.Compile(name);
            (string expected, double native) = Best(NativeRuns, program);
            double qemuRatio = double.NaN;
            if (qemu)
            {
                (string output, double seconds) = Best(1, "qemu-x86_64", "-cpu", "max", program);
                Check(name, "qemu-x86_64", expected, output);
                qemuRatio = seconds / native;
            }

            double translatorRatio;
            using (var translating = new BareMachine(TranslationPolicy.WhenWarm))
            {
                (string translated, double translatedSeconds) = translating.Execute(program);
                Check(name, "the translator", expected, translated);
                translatorRatio = translatedSeconds / native;
            }

            using var machine = new BareMachine();
            (string interpreted, double interpretedSeconds) = machine.Execute(program);
            Check(name, "the interpreter", expected, interpreted);
            double ratio = interpretedSeconds / native;
            double perInstruction = interpretedSeconds * 1e9 / machine.InstructionsRetired;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-10} {native,10:f3} {qemuRatio,8:f2} {translatorRatio,11:f2} {ratio,12:f2} {perInstruction,8:f2}"));
            qemuProduct *= qemuRatio;
            translatorProduct *= translatorRatio;
            interpreterProduct *= ratio;
            count++;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{"geometric mean",-21} {Math.Pow(qemuProduct, 1.0 / count),8:f2} {Math.Pow(translatorProduct, 1.0 / count),11:f2} {Math.Pow(interpreterProduct, 1.0 / count),12:f2}"));
        return 0;
    }

    private static (string Output, double Seconds) Best(int runs, string program, params string[] arguments)
    {
        string text = "";
        double best = double.MaxValue;
        for (int i = 0; i < runs; i++)
        {
            (int status, string output, string errors, Timing time) = HostTools.Run(program, arguments);
            if (status != 0)
                throw new InvalidOperationException($"{program} ended with status {status}: {errors}");
            text = output;
            best = Math.Min(best, time.Processor);
        }

        return (text, best);
    }

    private static void Check(string name, string who, string expected, string actual)
    {
        if (actual != expected)
            throw new InvalidOperationException($"{who} computes {actual.Trim()} in {name}, the host {expected.Trim()}.");
    }
}
