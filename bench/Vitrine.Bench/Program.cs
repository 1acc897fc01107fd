using Vitrine.Bench;

// Benchmarks that compare Vitrine with the host, each printing ratios from one run.
return args switch
{
    ["cpu", .. string[] rest] => ProcessorSpeed.Run(rest),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: Vitrine.Bench cpu [program…]   the interpreter's speed against native and qemu-x86_64");
    return 2;
}
